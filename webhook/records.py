"""The delivery's rows, and what the database knows that decides about it. All within the caller's transaction."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.orm import Session

from slipway.core.push import push_event
from slipway.core.push.push_event import AppFacts, PushEvent, Verdict
from slipway.domain import intents
from slipway.models import TO_CHANGE, App, AuditRecord, Delivery, Deployment, Hook
from webhook.hook_authentication import KnownHook, refusal


class Outcome(StrEnum):
    """What a delivery's row says became of it."""

    DEPLOYED = "deployed"
    IGNORED = "ignored"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class IncomingDelivery:
    """One call of a hook, as it came in."""

    event: str
    """Empty: not told."""
    delivery_id: str
    content_type: str
    body: bytes
    body_digest: str
    """Its SHA-256, hexadecimal: taken before a transaction holds others up."""
    address: str = ""
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class ExistingDelivery:
    """A delivery that came before."""

    row: int
    outcome: str


@dataclass(frozen=True, slots=True)
class AppDecision:
    """A verdict, about an app or (None) about the push as a whole."""

    app: App | None
    verdict: Verdict


def hold(session: Session, hook: KnownHook) -> None:
    """Lock the hook, so that its deliveries are written one after the other: the same one ten times at once is seen by
    nine of them.

    Raises:
        NotAuthenticated: it was removed meanwhile.
    """
    if session.connection().scalar(_HOLD, {"hook_id": hook.id, "tenant_id": hook.tenant_id}) is None:
        raise refusal("the hook was removed")


def find(session: Session, hook: KnownHook, call: IncomingDelivery) -> ExistingDelivery | None:
    """What is known of the delivery, when it came before."""
    found = session.connection().execute(_FIND, {"hook_id": hook.id, "delivery_id": call.delivery_id}).first()
    return ExistingDelivery(found.id, found.outcome) if found else None


def deployments_of(session: Session, delivery: ExistingDelivery) -> list[tuple[Deployment, str]]:
    """The deployments that a delivery has made, with their apps' names."""
    query = select(Deployment, App.name).join(App, App.id == Deployment.app_id)
    rows = session.execute(query.where(Deployment.delivery_row == delivery.row).order_by(Deployment.id))
    return [(deployment, name) for deployment, name in rows]


def keep(
    session: Session,
    hook: KnownHook,
    call: IncomingDelivery,
    known: ExistingDelivery | None,
    outcome: Outcome,
    reason: str,
    event: PushEvent | None = None,
) -> int:
    """Write the delivery's row: a new one, or a new outcome of the one that came before. Returns its id."""
    values = {"event": call.event, "outcome": str(outcome), "reason": reason, "body_digest": call.body_digest}
    if event is not None:
        values |= {"ref": event.ref, "commit_sha": event.commit_sha}
    if known:
        session.connection().execute(_CHANGE, values | {"row": known.row})
        return known.row
    whose = {"tenant_id": hook.tenant_id, "hook_id": hook.id, "delivery_id": call.delivery_id}
    return int(session.connection().execute(_KEEP, values | whose).inserted_primary_key[0])  # type: ignore[index]


def audit(session: Session, hook: KnownHook, call: IncomingDelivery, deployment: Deployment, app: App) -> None:
    """Who had what deployed, and from where."""
    record = {
        "tenant_id": hook.tenant_id,
        "actor": deployment.actor,
        "action": "deploy",
        "subject": f"app:{app.name}",
        "address": call.address,
        "request_id": call.request_id,
        "detail": {"deployment": deployment.id, "delivery": call.delivery_id, "commit": deployment.commit_sha},
    }
    session.connection().execute(_AUDIT, record)


def decide_apps(session: Session, hook: KnownHook, event: PushEvent) -> list[AppDecision]:
    """What is to be deployed for a push, and why the rest is not."""
    general = push_event.concerns(event, hook.repository_identity)
    if not general.deploys:
        return [AppDecision(None, general)]
    apps = _apps(session, hook)
    if not apps:
        repository = push_event.repository_path(hook.repository_identity)
        return [AppDecision(None, Verdict(False, f"no app deploys {repository}; make one: slipway apps create"))]
    return [AppDecision(app, push_event.decide(event, AppFacts(app.name, app.branch))) for app in apps]


def _apps(session: Session, hook: KnownHook) -> list[App]:
    """The tenant's apps on the hook's repository, locked (always in the same order)."""
    apps = list(session.scalars(_APPS, {"repository": hook.repository_identity}))
    for app in apps:
        intents.locked(session, app)
    return apps


# Built once, and without the ORM where one value is asked for: what comes before and after a statement takes longer
# than the statement.
_HOOKS, _DELIVERIES = Hook.__table__.c, Delivery.__table__.c
_HOLD = (
    select(_HOOKS.id)
    .where(_HOOKS.id == bindparam("hook_id"), _HOOKS.tenant_id == bindparam("tenant_id"))
    .with_for_update(**TO_CHANGE)
)
_FIND = select(_DELIVERIES.id, _DELIVERIES.outcome).where(
    _DELIVERIES.hook_id == bindparam("hook_id"), _DELIVERIES.delivery_id == bindparam("delivery_id")
)
_KEEP = insert(Delivery)
_CHANGE = update(Delivery).where(_DELIVERIES.id == bindparam("row"))
_AUDIT = insert(AuditRecord)
_APPS = (
    select(App)
    .where(App.repository_identity == bindparam("repository"), App.source == "git", App.deleted_at.is_(None))
    .order_by(App.id)
    .with_for_update(**TO_CHANGE)
)
