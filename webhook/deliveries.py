"""What becomes of an authenticated delivery: it is recorded, a push makes deployments, which are enqueued, and a pull
request is written down for its preview."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy.orm import Session

from slipway.adapters.redis.work_queue import WorkQueue
from slipway.core.push import push_event
from slipway.core.push.outcome import DeliveryOutcome
from slipway.core.push.pull_request import PullRequest
from slipway.core.push.push_event import PushEvent
from slipway.db import Database
from slipway.domain import audit, intents
from slipway.domain.audit import Action, Actor
from slipway.errors import InvalidInput, UnsupportedContent
from slipway.models import App, Deployment
from webhook import bodies, records
from webhook.delivery_lock import DeliveryLock
from webhook.hook_authentication import AuthenticatedHook
from webhook.records import AppDecision, CreatedDeployment, ExistingDelivery, IncomingDelivery

_SHORT = 7
_REASON_LENGTH = 2000


@dataclass(frozen=True, slots=True)
class DeliveryResult:
    """What the sender gets to know."""

    message: str
    created: Sequence[CreatedDeployment] = ()
    is_repeated: bool = False
    """The delivery had made its deployments before."""


class Deliveries:
    """Processes deliveries of hooks whose sender has proved to know a secret."""

    def __init__(self, database: Database, queue: WorkQueue, lock: DeliveryLock) -> None:
        self._database = database
        self._queue = queue
        self._lock = lock

    def process(self, hook: AuthenticatedHook, incoming: IncomingDelivery) -> DeliveryResult:
        """Record the delivery and do what it asks for.

        Raises:
            InvalidInput, UnsupportedContent: it is not understood; recorded as refused.
            NotAuthenticated: the hook was removed a moment ago.
            DependencyUnavailable: nothing was recorded; deliver it again.
        """
        try:
            payload = bodies.parse(incoming.body, incoming.content_type)
            if incoming.event in incoming.forge.push_events:
                return self._push(hook, incoming, incoming.forge.pushes(payload))
            if incoming.event in incoming.forge.pull_events:
                return self._pull(hook, incoming, incoming.forge.pull(payload))
            message = _without_deployment(hook, incoming, payload)
        except (InvalidInput, UnsupportedContent) as refused:
            self._record(hook, incoming, DeliveryOutcome.REFUSED, refused.message)
            raise
        self._record(hook, incoming, DeliveryOutcome.IGNORED, message)
        return DeliveryResult(message)

    def enqueue(self, result: DeliveryResult) -> None:
        """After `process`: enqueue what it created, or had created before."""
        intents.enqueue(self._queue, [each.deployment for each in result.created])

    def _push(self, hook: AuthenticatedHook, incoming: IncomingDelivery, events: Sequence[PushEvent]) -> DeliveryResult:
        with self._transaction(hook) as session:
            existing = records.find(session, hook, incoming)
            created = records.created_by(session, existing) if existing else []
            if created:
                return DeliveryResult(_message(created), created, is_repeated=True)
            decisions = records.decide_apps(session, hook, events)
            return _carry_out(session, hook, incoming, existing, decisions)

    def _pull(self, hook: AuthenticatedHook, incoming: IncomingDelivery, pull: PullRequest) -> DeliveryResult:
        """The agent makes and removes previews: here is only written down what the pull request is."""
        with self._transaction(hook) as session:
            existing = records.find(session, hook, incoming)
            followed = records.follow_pull(session, hook, pull)
            reason = _bounded(each.reason for each in followed)
            changed = any(each.concerns_preview for each in followed)
            outcome = DeliveryOutcome.PREVIEWED if changed else DeliveryOutcome.IGNORED
            if existing is None or existing.outcome != DeliveryOutcome.PREVIEWED:
                event = PushEvent(pull.repository, pull.ref, pull.head)
                records.upsert(session, hook, incoming, existing, outcome, reason, event)
        return DeliveryResult(reason)

    def _record(
        self, hook: AuthenticatedHook, incoming: IncomingDelivery, outcome: DeliveryOutcome, reason: str
    ) -> None:
        """What was deployed before stays recorded so."""
        with self._transaction(hook) as session:
            existing = records.find(session, hook, incoming)
            if existing is None or existing.outcome != DeliveryOutcome.DEPLOYED:
                records.upsert(session, hook, incoming, existing, outcome, reason)

    @contextmanager
    def _transaction(self, hook: AuthenticatedHook) -> Iterator[Session]:
        """The hook's deliveries are written one after the other."""
        with self._lock.held(), self._database.write(tenant_id=hook.tenant_id) as session:
            records.lock_hook(session, hook)
            yield session


def _carry_out(
    session: Session,
    hook: AuthenticatedHook,
    incoming: IncomingDelivery,
    existing: ExistingDelivery | None,
    decisions: Sequence[AppDecision],
) -> DeliveryResult:
    """Record the pushes, and make the deployments that were decided on. The delivery's row names the first of them."""
    deploying = [(each.event, each.app) for each in decisions if each.app and each.verdict.deploys]
    reason = _reason([each.verdict.reason for each in decisions if not each.verdict.deploys], bool(decisions))
    outcome = DeliveryOutcome.DEPLOYED if deploying else DeliveryOutcome.IGNORED
    named = next((event for event, _ in deploying), decisions[0].event if decisions else None)
    delivery_row = records.upsert(session, hook, incoming, existing, outcome, reason, named)
    with session.no_autoflush:  # an app's row is written once
        created = [
            CreatedDeployment(_deploy(session, hook, incoming, delivery_row, event, app), app.name)
            for event, app in deploying
        ]
    return DeliveryResult(_message(created) if created else reason, created)


def _reason(reasons: Sequence[str], is_of_any_ref: bool) -> str:
    return _bounded(reasons if is_of_any_ref else ["the push is of no branch"])


def _bounded(reasons: Iterable[str]) -> str:
    """A push of many refs has many: the same ones once, and no more than people read."""
    said = "; ".join(dict.fromkeys(reasons))
    return said if len(said) <= _REASON_LENGTH else f"{said[:_REASON_LENGTH]} …"


def _deploy(
    session: Session,
    hook: AuthenticatedHook,
    incoming: IncomingDelivery,
    delivery_row: int,
    event: PushEvent,
    app: App,
) -> Deployment:
    actor = Actor(f"hook:{hook.id}", incoming.address, incoming.request_id)
    pushed = intents.Pushed(event.ref, event.commit_sha, event.message, event.pushed_by)
    key = f"delivery:{hook.id}:{incoming.delivery_id}"
    made = intents.push(session, app, pushed, idempotency_key=key, delivery_row=delivery_row, actor=actor.name)
    detail = {"deployment": made.id, "delivery": incoming.delivery_id, "commit": made.commit_sha}
    audit.record(session, hook.tenant_id, actor, Action.DEPLOYMENT_CREATE, app.name, **detail)
    return made


def _without_deployment(hook: AuthenticatedHook, incoming: IncomingDelivery, payload: object) -> str:
    """What to say to an event that never deploys.

    Raises:
        InvalidInput: the event is not named.
    """
    forge, event = incoming.forge, incoming.event
    push = min(forge.push_events)
    if not event:
        raise InvalidInput(f"The header {forge.event_header} is missing or malformed.", remedy=f"set it to {push}")
    if event != forge.ping_event:
        return f"{event} events deploy nothing; {push} does"
    try:
        repository = forge.repository_of(payload)
    except InvalidInput:
        return "pong"  # a ping of an organisation's webhook names no repository
    if push_event.is_of(repository, hook.repository_identity):
        return "pong"
    return f"pong; but this hook is for {push_event.repository_path(hook.repository_identity)}, not for {repository}"


def _message(created: Sequence[CreatedDeployment]) -> str:
    apps: dict[str, list[str]] = {}
    for each in created:
        apps.setdefault(each.deployment.commit_sha[:_SHORT], []).append(each.app)
    return "; ".join(f"{commit} is being deployed: {', '.join(names)}" for commit, names in apps.items())
