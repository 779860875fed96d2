"""A CI job's own token, exchanged for one of the platform that is for deployments of one app (RFC 8693).

Whoever asks is a stranger until a publisher of the app accepts the job. Until then every refusal is the same sentence,
whether app and publisher exist or not; what was wrong is in the audit log.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import select

from router import documents
from router.principal import Kind, OnlyApp, Principal
from router.services import Services
from router.usecases.access import publish_refusals
from slipway.core.access.roles import Role
from slipway.core.access.trusted_publishers import describe, mismatch, numbers_to_pin
from slipway.domain import audit, publishing
from slipway.domain.audit import Action, Actor
from slipway.domain.publishing import publisher_of
from slipway.errors import NotAuthenticated
from slipway.models import TO_CHANGE, App, PublishToken, Tenant, TrustedPublisher, now
from slipway.ports.job_tokens import JobToken

ISSUED_TYPE = "urn:ietf:params:oauth:token-type:access_token"
TOKEN_TYPE = "Bearer"  # noqa: S105
_AUDIENCE = re.compile(r"app:([a-z0-9-]{1,40})/([a-z0-9-]{1,40})")


@dataclass(frozen=True, slots=True)
class Target:
    """The app that a job wants to deploy, and who may."""

    tenant_id: int
    tenant: str
    app: OnlyApp
    publishers: tuple[TrustedPublisher, ...]


class _Unaccepted(Exception):
    """No publisher of the app accepts the job; `why` is for the audit log."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def exchange(services: Services, origin: Actor, audience: str, job_token: str) -> documents.PublishToken:
    """Raises `NotAuthenticated` when the job may not deploy the app that `audience` names."""
    target = _target(services, audience)
    try:
        found, token, publisher = _accepted(services, target, job_token)
    except _Unaccepted as unaccepted:
        publish_refusals.record(services, origin, target, audience, unaccepted.why)
        raise NotAuthenticated(
            f"No trusted publisher of {audience} accepts this job.",
            remedy="compare what its token says with: slipway publishers list -a APP",
        ) from None
    try:
        return _exchanged(services, origin, found, token, publisher)
    except NotAuthenticated as error:
        publish_refusals.record(services, origin, target, audience, error.message)
        raise


def _target(services: Services, audience: str) -> Target | None:
    named = _AUDIENCE.fullmatch(audience)
    if named is None:
        return None
    with services.db.read(platform="find the app that a CI job wants to deploy") as session:
        query = select(App, Tenant.name).join(Tenant, Tenant.id == App.tenant_id)
        found = session.execute(
            query.where(Tenant.name == named[1], App.name == named[2], App.deleted_at.is_(None))
        ).one_or_none()
        if found is None:
            return None
        rows = session.scalars(select(TrustedPublisher).filter_by(app_id=found[0].id).order_by(TrustedPublisher.id))
        return Target(found[0].tenant_id, found[1], OnlyApp(found[0].id, found[0].name), tuple(rows))


def _accepted(services: Services, target: Target | None, job_token: str) -> tuple[Target, JobToken, TrustedPublisher]:
    """The issuer is fetched from only when one of the app's publishers names it."""
    try:
        issuer = services.job_tokens.claimed_issuer(job_token)
        of_issuer = [each for each in target.publishers if each.issuer == issuer] if target else []
        if target is None or not of_issuer:
            raise _Unaccepted(
                "the app does not exist" if target is None else f"it has no publisher of {issuer[:200]!r}"
            )
        with services.job_verifications.place(_of_target(target)):
            token = services.job_tokens.verify(job_token, issuer)
    except NotAuthenticated as error:
        raise _Unaccepted(error.message) from None
    why = {row.id: mismatch(publisher_of(row), token.claims) for row in of_issuer}
    accepting = next((row for row in of_issuer if not why[row.id]), None)
    if accepting is None:
        raise _Unaccepted("; ".join(f"publisher {number}: {reason}" for number, reason in why.items()))
    return target, token, accepting


def _exchanged(
    services: Services, origin: Actor, target: Target, token: JobToken, accepting: TrustedPublisher
) -> documents.PublishToken:
    """In one transaction with the row locked: it may have been removed, or pinned by another job, meanwhile."""
    ends = services.job_tokens.check_use(token, services.settings.public_url.rstrip("/"))
    with services.db.write(tenant_id=target.tenant_id) as session:
        query = select(TrustedPublisher).filter_by(id=accepting.id, app_id=target.app.id)
        row = session.scalar(query.with_for_update(**TO_CHANGE))
        if row is None or (mismatch(publisher_of(row), token.claims)):
            raise NotAuthenticated("The publisher has changed meanwhile.", remedy="run the job again")
        publishing.spend(session, target.tenant_id, token.digest, ends)
        pins = numbers_to_pin(publisher_of(row), token.claims)
        row.pinned = {**row.pinned, **pins}
        row.used_at = now()
        job = describe(publisher_of(row), token.claims)
        issued, text = publishing.issue(session, row, job)
        actor = Actor(f"{Kind.WORKLOAD}:{job}", origin.address, origin.request_id)
        facts = {"publisher": row.id, "issuer": row.issuer, "pinned": pins}
        audit.record(session, target.tenant_id, actor, Action.PUBLISH_EXCHANGE, target.app.name, **facts)
        return _shown(issued, text)


def _shown(issued: PublishToken, text: str) -> documents.PublishToken:
    left = (issued.expires_at - datetime.now(UTC)).total_seconds()
    return documents.PublishToken(
        access_token=text, issued_token_type=ISSUED_TYPE, token_type=TOKEN_TYPE, expires_in=round(left)
    )


def _of_target(target: Target) -> Principal:
    """Whose calls a verification counts among."""
    return Principal(Kind.WORKLOAD, "", target.app.name, target.tenant_id, target.tenant, Role.VIEWER)
