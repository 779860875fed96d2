"""The delivery's rows, and what the database knows that decides about it. All within the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, exists, insert, or_, select, update
from sqlalchemy.orm import Session

from slipway.core.push import push_event
from slipway.core.push.forges import GITHUB, Forge
from slipway.core.push.outcome import DeliveryOutcome
from slipway.core.push.pull_request import PullRequest
from slipway.core.push.push_event import AppFacts, PushEvent, Verdict
from slipway.domain import intents
from slipway.domain.previews import following
from slipway.domain.previews.following import Followed
from slipway.models import TO_CHANGE, App, Delivery, Deployment, Hook, repositories
from webhook.hook_authentication import AuthenticatedHook, refusal


@dataclass(frozen=True, slots=True)
class IncomingDelivery:
    """A delivery as it came in."""

    event: str
    """Empty: not named."""
    delivery_id: str
    content_type: str
    body: bytes
    body_digest: str
    """Its SHA-256, hexadecimal: computed before a transaction makes others wait."""
    forge: Forge = GITHUB
    address: str = ""
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class ExistingDelivery:
    """A delivery that came before."""

    row: int
    outcome: str


@dataclass(frozen=True, slots=True)
class CreatedDeployment:
    """A deployment and its app's name."""

    deployment: Deployment
    app: str


@dataclass(frozen=True, slots=True)
class AppDecision:
    """A verdict on a push, about an app or (None) about the push as a whole."""

    event: PushEvent
    app: App | None
    verdict: Verdict


def lock_hook(session: Session, hook: AuthenticatedHook) -> None:
    """Lock the hook's row, so that its deliveries are written one after the other: of ten times the same one at once,
    nine find that it came before.

    Raises:
        NotAuthenticated: it was removed meanwhile.
    """
    if session.connection().scalar(_LOCK_HOOK, {"hook_id": hook.id, "tenant_id": hook.tenant_id}) is None:
        raise refusal("the hook was removed")


def find(session: Session, hook: AuthenticatedHook, incoming: IncomingDelivery) -> ExistingDelivery | None:
    """The delivery's row, when it came before."""
    found = session.connection().execute(_FIND, {"hook_id": hook.id, "delivery_id": incoming.delivery_id}).first()
    return ExistingDelivery(found.id, found.outcome) if found else None


def created_by(session: Session, delivery: ExistingDelivery) -> list[CreatedDeployment]:
    """The deployments that a delivery has made."""
    query = select(Deployment, App.name).join(App, App.id == Deployment.app_id)
    rows = session.execute(query.where(Deployment.delivery_row == delivery.row).order_by(Deployment.id))
    return [CreatedDeployment(deployment, name) for deployment, name in rows]


def upsert(
    session: Session,
    hook: AuthenticatedHook,
    incoming: IncomingDelivery,
    existing: ExistingDelivery | None,
    outcome: DeliveryOutcome,
    reason: str,
    event: PushEvent | None = None,
) -> int:
    """Write the delivery's row: a new one, or a new outcome of the one that came before. Returns its id."""
    values = {"event": incoming.event, "outcome": str(outcome), "reason": reason, "body_digest": incoming.body_digest}
    if event is not None:
        values |= {"ref": event.ref, "commit_sha": event.commit_sha}
    if existing:
        session.connection().execute(_UPDATE, values | {"row": existing.row})
        return existing.row
    identity = {"tenant_id": hook.tenant_id, "hook_id": hook.id, "delivery_id": incoming.delivery_id}
    return int(session.connection().execute(_INSERT, values | identity).inserted_primary_key[0])  # type: ignore[index]


def decide_apps(session: Session, hook: AuthenticatedHook, events: Sequence[PushEvent]) -> list[AppDecision]:
    """What is to be deployed for the pushes of a delivery, and why the rest is not."""
    general = [AppDecision(each, None, push_event.decide_push(each, hook.repository_identity)) for each in events]
    if not any(each.verdict.deploys for each in general):
        return general
    apps = _locked_apps(session, hook)
    if not apps:
        nothing = push_event.of_no_app(hook.repository_identity, _apps_elsewhere(session, hook))
        return [AppDecision(each.event, None, nothing) if each.verdict.deploys else each for each in general]
    return [decision for each in general for decision in _of_apps(each, apps)]


def follow_pull(session: Session, hook: AuthenticatedHook, pull: PullRequest) -> list[Followed]:
    """Write a pull request down for each app of the hook's repository."""
    if not push_event.is_of(pull.repository, hook.repository_identity):
        path = push_event.repository_path(hook.repository_identity)
        return [Followed(False, f"this hook is for {path}, the pull request is of {pull.repository}")]
    found = [following.follow(session, app, pull) for app in _locked_apps(session, hook)]
    return found or [Followed(False, f"no app deploys {pull.repository}; make one: slipway apps create")]


def _of_apps(general: AppDecision, apps: Sequence[App]) -> list[AppDecision]:
    if not general.verdict.deploys:
        return [general]
    event = general.event
    return [AppDecision(event, app, push_event.decide_app(event, AppFacts(app.name, app.branch))) for app in apps]


def _apps_elsewhere(session: Session, hook: AuthenticatedHook) -> dict[str, str]:
    """The tenant's apps of repositories that are called the same on another host or port, with their identities."""
    path = push_event.repository_path(hook.repository_identity)
    found = session.execute(_ELSEWHERE, {"tenant_id": hook.tenant_id})
    return {name: identity for name, identity in found if push_event.repository_path(identity) == path}


def _locked_apps(session: Session, hook: AuthenticatedHook) -> list[App]:
    """The tenant's apps on the hook's repository, locked (always in the same order). One with another address of it is
    among them, unless that address has a hook of its own, whose deliveries deploy it."""
    found = session.scalars(_APPS, repositories.parameters_of(hook.repository_identity)).all()
    apps = repositories.of_repository(found, hook.repository_identity)
    for app in apps:
        intents.mark_locked(session, app)
    return apps


# Built once, and without the ORM where one value is asked for: what comes before and after a statement takes longer
# than the statement.
_HOOKS, _DELIVERIES = Hook.__table__.c, Delivery.__table__.c
_LOCK_HOOK = (
    select(_HOOKS.id)
    .where(_HOOKS.id == bindparam("hook_id"), _HOOKS.tenant_id == bindparam("tenant_id"))
    .with_for_update(**TO_CHANGE)
)
_FIND = select(_DELIVERIES.id, _DELIVERIES.outcome).where(
    _DELIVERIES.hook_id == bindparam("hook_id"), _DELIVERIES.delivery_id == bindparam("delivery_id")
)
_INSERT = insert(Delivery)
_UPDATE = update(Delivery).where(_DELIVERIES.id == bindparam("row"))
_ELSEWHERE = (
    select(App.name, App.repository_identity)
    .where(App.tenant_id == bindparam("tenant_id"), App.source == "git", App.deleted_at.is_(None), ~App.is_preview)
    .order_by(App.id)
)
_HAS_OWN_HOOK = exists().where(Hook.tenant_id == App.tenant_id, Hook.repository_identity == App.repository_identity)
_APPS = (
    select(App)
    .where(repositories.may_be_of(App.repository_identity), App.source == "git", App.deleted_at.is_(None))
    .where(~App.is_preview)
    .where(or_(App.repository_identity == bindparam("repository"), ~_HAS_OWN_HOOK))
    .order_by(App.id)
    .with_for_update(**TO_CHANGE)
)
