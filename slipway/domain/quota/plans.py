"""Plans, and which tenant has which: what the platform's administrators change. Tenants see what is in force for them.

Every change is one transaction, with its record in the audit log; edges have a changed limit within a second.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, select, true
from sqlalchemy.orm import Session, aliased

from slipway.core.app_settings import limits
from slipway.core.app_settings.limits import Limit
from slipway.core.naming import validation
from slipway.core.quota import quotas
from slipway.db import Database
from slipway.domain import audit
from slipway.domain.audit import Action, Actor
from slipway.domain.quota.enforcement import DEFAULT
from slipway.domain.quota.showing import PlanShown, TenantQuotaShown, plan_shown, tenant_quota
from slipway.domain.route_table import touch_routes
from slipway.errors import Conflict, NotFound
from slipway.models import TO_CHANGE, Domain, Plan, Tenant

_WHY = "plans of tenants"


def host_quotas(session: Session, said: Mapping[str, Any]) -> None:
    """Write down what the host's settings say of the plan `default`: everybody reads it there."""
    plan = session.scalar(select(Plan).filter_by(name=DEFAULT))
    if plan is None:
        session.add(Plan(name=DEFAULT, host_quotas=dict(said)))
    elif plan.host_quotas != said:
        plan.host_quotas = dict(said)


def limits_by_plan(session: Session, tenant_id: int | None = None) -> dict[int, list[dict[str, Any]]]:
    """Tenant → the limits of its plan, where it has some. All tenants when none is given."""
    default = aliased(Plan)
    query = (
        select(Tenant.id, Plan.limits, default.limits)
        .outerjoin(Plan, Plan.id == Tenant.plan_id)
        .outerjoin(default, default.name == DEFAULT)
        .where(true() if tenant_id is None else Tenant.id == tenant_id)
    )
    found = {id_: of_default if own is None else own for id_, own, of_default in session.execute(query)}
    return {id_: some for id_, some in found.items() if some}


@dataclass(frozen=True, slots=True)
class Plans:
    """`wake_agent` is called with an app of those whose limits changed: the agent publishes the routes."""

    database: Database
    actor: Actor
    wake_agent: Callable[[int], None]

    def all(self) -> list[PlanShown]:
        """By name; `default` is there whether anything is said of it or not."""
        with self.database.read(platform=_WHY) as session:
            found = list(session.scalars(select(Plan).order_by(Plan.name)))
            if all(plan.name != DEFAULT for plan in found):
                found.append(Plan(id=0, name=DEFAULT, quotas={}))
            return [plan_shown(session, plan) for plan in sorted(found, key=lambda plan: plan.name)]

    def create(self, name: str, said: Mapping[str, Any]) -> PlanShown:
        """
        Raises:
            InvalidInput: the name or a quota breaks a rule.
            Conflict: there is one of that name.
        """
        validation.slug(name, "plan's name")
        with self.database.write(platform=_WHY) as session:
            if name == DEFAULT or _find(session, name) is not None:
                remedy = f"change it: slipway plans set {name} apps=5"
                raise Conflict(f"there is a plan {name!r} already", remedy=remedy)
            plan = Plan(name=name, quotas=quotas.merged({}, said))
            session.add(plan)
            session.flush()
            audit.record(session, None, self.actor, Action.PLAN_CHANGE, name, quotas=plan.quotas)
            return plan_shown(session, plan)

    def change(self, name: str, changes: Mapping[str, Any]) -> PlanShown:
        """Change quotas by a merge patch. What runs goes on where it is more than is allowed from now on.

        Raises:
            InvalidInput: a quota breaks a rule.
            NotFound: there is no such plan.
        """
        with self.database.write(platform=_WHY) as session:
            plan = _named(session, name)
            plan.quotas = quotas.merged(plan.quotas, changes)
            audit.record(session, None, self.actor, Action.PLAN_CHANGE, name, quotas=plan.quotas)
            session.flush()
            return plan_shown(session, plan)

    def remove(self, name: str) -> None:
        """
        Raises:
            NotFound: there is no such plan.
            Conflict: tenants have it, or it is `default`.
        """
        with self.database.write(platform=_WHY) as session:
            plan = _named(session, name)
            tenants = plan_shown(session, plan).tenants
            if name == DEFAULT:
                remedy = f"take back what it says: slipway plans set {DEFAULT} apps="
                raise Conflict(f"the plan {DEFAULT} stays", remedy=remedy)
            if tenants:
                raise Conflict(
                    f"{', '.join(tenants[:5])} {'has' if len(tenants) == 1 else 'have'} the plan {name}",
                    remedy=f"give another one first: slipway plans assign {DEFAULT} {tenants[0]}",
                )
            session.delete(plan)
            audit.record(session, None, self.actor, Action.PLAN_REMOVE, name)

    def set_limit(self, name: str, limit: Limit) -> PlanShown:
        """Give the plan a limit on callers' requests, or change it. Raises `NotFound`, `InvalidInput`."""
        return self._change_limits(name, limit.name, lambda existing: limits.with_limit(existing, limit))

    def remove_limit(self, name: str, limit: str) -> PlanShown:
        """Raises `NotFound` when there is no such plan, or it has no such limit."""
        return self._change_limits(name, limit, lambda existing: limits.without(existing, limit, "slipway plans"))

    def assign(self, name: str, tenant: str) -> TenantQuotaShown:
        """Give a tenant another plan. Raises `NotFound`."""
        with self.database.write(platform=_WHY) as session:
            plan, row = _named(session, name), _tenant(session, tenant)
            row.plan_id = None if name == DEFAULT else plan.id
            app_id = _touch(session, Tenant.id == row.id)
            audit.record(session, row.id, self.actor, Action.PLAN_ASSIGN, tenant, plan=name)
            shown = tenant_quota(session, row.id)
        self._wake(app_id)
        return shown

    def quota_of(self, tenant: str) -> TenantQuotaShown:
        """Raises `NotFound`."""
        with self.database.read(platform=_WHY) as session:
            found = session.scalar(select(Tenant.id).filter_by(name=tenant))
            if found is None:
                raise _no_tenant(tenant)
            return tenant_quota(session, found)

    def change_quota(self, tenant: str, changes: Mapping[str, Any]) -> TenantQuotaShown:
        """Values of the tenant's own, by a merge patch: None goes back to the plan's. Raises `InvalidInput`,
        `NotFound`."""
        with self.database.write(platform=_WHY) as session:
            row = _tenant(session, tenant)
            row.quotas = quotas.merged(row.quotas or {}, changes)
            audit.record(session, row.id, self.actor, Action.QUOTA_CHANGE, tenant, quotas=row.quotas)
            session.flush()
            return tenant_quota(session, row.id)

    def _change_limits(
        self, name: str, limit: str, change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]
    ) -> PlanShown:
        with self.database.write(platform=_WHY) as session:
            plan = _named(session, name)
            plan.limits = change(plan.limits or [])
            session.flush()
            app_id = _touch(session, _whom_it_concerns(plan))
            audit.record(session, None, self.actor, Action.PLAN_CHANGE, name, limit=limit)
            shown = plan_shown(session, plan)
        self._wake(app_id)
        return shown

    def _wake(self, app_id: int | None) -> None:
        if app_id is not None:
            self.wake_agent(app_id)


def _find(session: Session, name: str) -> Plan | None:
    return session.scalar(select(Plan).filter_by(name=name).with_for_update(**TO_CHANGE))


def _named(session: Session, name: str) -> Plan:
    """Locked, so that none is removed that a tenant is just given. `default` is made when it is missing."""
    found = _find(session, name)
    if found is None and name == DEFAULT:
        found = Plan(name=DEFAULT)
        session.add(found)
        session.flush()
    if found is None:
        raise NotFound(f"There is no plan {name!r}.", remedy="see them all: slipway plans")
    return found


def _tenant(session: Session, name: str) -> Tenant:
    found = session.scalar(select(Tenant).filter_by(name=name).with_for_update(**TO_CHANGE))
    if found is None:
        raise _no_tenant(name)
    return found


def _no_tenant(name: str) -> NotFound:
    return NotFound(f"There is no tenant {name!r}.", remedy="see who has which plan: slipway plans")


def _whom_it_concerns(plan: Plan) -> ColumnElement[bool]:
    """The tenants whose limits may be this plan's: a plan without limits of its own has those of `default`."""
    return true() if plan.name == DEFAULT else Tenant.plan_id == plan.id


def _touch(session: Session, tenants: ColumnElement[bool]) -> int | None:
    """Have the entries of these tenants' hosts published anew; returns one of their apps."""
    query = select(Domain.host, Domain.app_id).join(Tenant, Tenant.id == Domain.tenant_id).where(tenants)
    found = session.execute(query).all()
    touch_routes(session, [host for host, _ in found])
    return next((app_id for _, app_id in found), None)
