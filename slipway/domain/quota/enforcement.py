"""Whoever makes something that counts asks here first, in the transaction that makes it: the tenant's row is locked
until the transaction ends, so that two at once can't both take what is left.

The lock comes after an app's and before the route table's. What never grows is never refused: a tenant that uses more
than it may since its quota was lowered can deploy as before.
"""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from slipway.core.app_settings.configuration import Configuration, Defaults
from slipway.core.app_settings.model import AppSettings
from slipway.core.quota import quotas
from slipway.core.quota.build_time import Month
from slipway.core.quota.demand import AppUse, growth, planned
from slipway.core.quota.quotas import Amounts, Limits, Quota
from slipway.domain.quota import usage
from slipway.domain.quota.usage import Place, Running
from slipway.errors import InvalidInput, QuotaExceeded
from slipway.models import TO_CHANGE, App, Deployment, Plan, Release, Tenant, now

DEFAULT = "default"
"""The plan of whoever has no other."""


def limits_of(session: Session, tenant_id: int) -> dict[Quota, int | None]:
    """What is in force: the tenant's own values, then its plan's, then those of the plan `default`, of which those that
    were set through the API go before the host's settings."""
    default = aliased(Plan)
    query = (
        select(Tenant.quotas, Plan.quotas, default.quotas, default.host_quotas)
        .outerjoin(Plan, Plan.id == Tenant.plan_id)
        .outerjoin(default, default.name == DEFAULT)
        .where(Tenant.id == tenant_id)
    )
    return quotas.in_force(session.execute(query).one())


def require_app(session: Session, tenant_id: int, *, replicas: int) -> None:
    """Before an app is made that shall have so many replicas.

    Raises:
        QuotaExceeded: names what is left.
    """
    if limits := _locked(session, tenant_id):
        used = usage.running(session, tenant_id).total() | {Quota.APPS: usage.apps(session, tenant_id)}
        _require(limits, used, {Quota.APPS: 1, Quota.REPLICAS: replicas})


def require_domain(session: Session, tenant_id: int) -> None:
    """Before somebody adds a host to an app. Raises `QuotaExceeded`."""
    if limits := _locked(session, tenant_id):
        _require(limits, {Quota.DOMAINS: usage.custom_domains(session, tenant_id)}, {Quota.DOMAINS: 1})


def require_scale(session: Session, app: App, *, process: str, environment: str, replicas: int) -> None:
    """Before a process gets another number of replicas. Of an app that was never deployed all that are wanted have to
    fit, though it uses none yet. Raises `QuotaExceeded`."""
    limits = _locked(session, app.tenant_id)
    if not limits:
        return
    running, place = usage.running(session, app.tenant_id), (app.id, environment)
    before = running.at(place)
    after = replace(before, scales={**before.scales, process: replicas})
    if before.releases:
        _require_change(limits, running, place, after)
    elif (wanted := sum(after.scales.values())) > sum(before.scales.values()):
        _require(limits, running.total(), {Quota.REPLICAS: wanted})


def require_release(session: Session, app: App, release: Release, *, deployment: Deployment | None = None) -> None:
    """Before the replicas of a release are started. `deployment`: the one that starts them, whose row may say so
    already. Raises `QuotaExceeded`."""
    limits = _locked(session, app.tenant_id)
    if not limits or not release.configuration:
        return
    running = usage.running(session, app.tenant_id, without=deployment.id if deployment else None)
    place = (app.id, release.environment)
    before = running.at(place)
    after = replace(before, releases=(*before.releases, Configuration.from_json(release.configuration)))
    _require_change(limits, running, place, after)


def require_run(session: Session, app: App, configuration: Configuration, *, environment: str) -> None:
    """Before a command runs in a container of a release with that configuration: it counts as a replica until it has
    ended. Raises `QuotaExceeded`."""
    limits = _locked(session, app.tenant_id)
    if not limits:
        return
    running, place = usage.running(session, app.tenant_id), (app.id, environment)
    before = running.at(place)
    _require_change(limits, running, place, replace(before, runs=(*before.runs, configuration)))


def require_settings(
    session: Session, app: App, environment: str, settings: AppSettings, defaults: Defaults, *, lock: bool = True
) -> None:
    """Would a release of these settings fit? `require_release` asks again, when its image is known. Without the lock it
    is only a look ahead. Raises `QuotaExceeded`."""
    limits = _locked(session, app.tenant_id) if lock else _limited(session, app.tenant_id)
    if not limits:
        return
    running, place = usage.running(session, app.tenant_id), (app.id, environment)
    before = running.at(place)
    try:
        after = replace(before, planned=planned(settings, defaults, before.scales))
    except InvalidInput:
        return  # whoever freezes the settings says what is wrong with them
    _require_change(limits, running, place, after)


def require_build(session: Session, tenant_id: int) -> None:
    """Before a build begins: is there time left this month? What has begun is finished.

    Raises:
        QuotaExceeded: says when the next month begins.
    """
    limit, moment = limits_of(session, tenant_id)[Quota.BUILD_MINUTES], now()
    used = usage.build_seconds(session, tenant_id, moment) if limit is not None else 0
    if limit is not None and used >= limit:
        raise _no_time_left(limit, used, Month.of(moment))


def _no_time_left(limit: int, used: int, month: Month) -> QuotaExceeded:
    minutes = quotas.shown(Quota.BUILD_MINUTES, limit)
    return QuotaExceeded(
        f"Your quota does not allow it: all build minutes of this month are used ({minutes}).",
        remedy=f"builds go on when the month turns, on {month.end:%-d %B %Y} at 00:00 UTC\n{quotas.HOW_TO_GET_MORE}",
        quota=str(Quota.BUILD_MINUTES),
        used=quotas.shown(Quota.BUILD_MINUTES, used),
        limit=minutes,
        left=0,
        turns_at=month.end.isoformat(),
    )


def _locked(session: Session, tenant_id: int) -> Limits | None:
    """The limits, with the tenant's row locked; None where there are none, so that nobody waits for anybody."""
    if _limited(session, tenant_id) is None:
        return None
    session.execute(select(Tenant.id).filter_by(id=tenant_id).with_for_update(**TO_CHANGE))
    return limits_of(session, tenant_id)  # whoever had the lock may have changed them


def _limited(session: Session, tenant_id: int) -> Limits | None:
    limits = limits_of(session, tenant_id)
    return limits if any(limit is not None for limit in limits.values()) else None


def _require_change(limits: Limits, running: Running, place: Place, after: AppUse) -> None:
    _require(limits, running.total(), growth(running.demand(place), after.demand().amounts()))


def _require(limits: Limits, used: Amounts, needed: Amounts) -> None:
    if found := quotas.excesses(limits, used, needed):
        raise quotas.exceeded(found)
