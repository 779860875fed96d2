"""What becomes of an admitted delivery: it is recorded, and a push makes deployments that are handed to the workers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from slipway.adapters.redis.work_queue import WorkQueue
from slipway.core.push import push_event
from slipway.core.push.push_event import PushEvent
from slipway.db import Database
from slipway.domain import intents
from slipway.errors import InvalidInput, UnsupportedContent
from slipway.models import App, Deployment
from webhook import bodies, records
from webhook.hook_authentication import KnownHook
from webhook.records import AppDecision, IncomingDelivery, Outcome

_SHORT = 7


@dataclass(frozen=True, slots=True)
class CreatedDeployment:
    """A deployment and its app's name."""

    deployment: Deployment
    app: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What the sender is told."""

    message: str
    made: Sequence[CreatedDeployment] = ()
    again: bool = False
    """The delivery had made its deployments before."""


class Deliveries:
    """Takes deliveries of hooks whose sender has proved to know a secret."""

    def __init__(self, database: Database, queue: WorkQueue) -> None:
        self._database = database
        self._queue = queue

    def take(self, hook: KnownHook, call: IncomingDelivery) -> Answer:
        """Record the delivery and do what it asks for.

        Raises:
            InvalidInput, UnsupportedContent: it is not understood; recorded as refused.
            NotAuthenticated: the hook was removed a moment ago.
            DependencyUnavailable: nothing was recorded; deliver it again.
        """
        try:
            payload = bodies.parse(call.body, call.content_type)
            if call.event == "push":
                return self._push(hook, call, push_event.parse(payload))
            message = _without_deployment(hook, call.event, payload)
        except (InvalidInput, UnsupportedContent) as refused:
            self._record(hook, call, Outcome.REFUSED, refused.message)
            raise
        self._record(hook, call, Outcome.IGNORED, message)
        return Answer(message)

    def enqueue(self, answer: Answer) -> None:
        """After `take`: hand to the workers what it made, or had made before."""
        intents.enqueue(self._queue, [each.deployment for each in answer.made])

    def _push(self, hook: KnownHook, call: IncomingDelivery, event: PushEvent) -> Answer:
        with self._database.write(tenant_id=hook.tenant_id) as session:
            records.hold(session, hook)
            known = records.find(session, hook, call)
            made = [CreatedDeployment(*row) for row in records.deployments_of(session, known)] if known else []
            again, reason = bool(made), ""
            if not again:
                decisions = records.decide_apps(session, hook, event)
                reason = "; ".join(each.verdict.reason for each in decisions if not each.verdict.deploys)
                outcome = Outcome.DEPLOYED if any(each.verdict.deploys for each in decisions) else Outcome.IGNORED
                delivery = records.keep(session, hook, call, known, outcome, reason, event)
                made = _deploy(session, hook, call, delivery, event, decisions)
        return Answer(_message(event, made) if made else reason, made, again)

    def _record(self, hook: KnownHook, call: IncomingDelivery, outcome: Outcome, reason: str) -> None:
        with self._database.write(tenant_id=hook.tenant_id) as session:
            records.hold(session, hook)
            known = records.find(session, hook, call)
            if known is None or known.outcome != Outcome.DEPLOYED:
                records.keep(session, hook, call, known, outcome, reason)


def _deploy(
    session: Session,
    hook: KnownHook,
    call: IncomingDelivery,
    delivery_row: int,
    event: PushEvent,
    decisions: list[AppDecision],
) -> list[CreatedDeployment]:
    made = []
    for app, verdict in ((each.app, each.verdict) for each in decisions if each.app):
        if verdict.deploys:
            with session.no_autoflush:  # the app's row is written once
                made.append(CreatedDeployment(_deployment(session, hook, call, delivery_row, event, app), app.name))
    return made


def _deployment(
    session: Session, hook: KnownHook, call: IncomingDelivery, delivery_row: int, event: PushEvent, app: App
) -> Deployment:
    pushed = intents.Pushed(event.ref, event.commit_sha, event.message, event.pushed_by)
    key = f"delivery:{hook.id}:{call.delivery_id}"
    actor = f"hook:{hook.id}"
    deployment = intents.push(session, app, pushed, idempotency_key=key, delivery_row=delivery_row, actor=actor)
    records.audit(session, hook, call, deployment, app)
    return deployment


def _without_deployment(hook: KnownHook, event: str, payload: object) -> str:
    """What to say to an event that never deploys.

    Raises:
        InvalidInput: the event is not named.
    """
    if not event:
        raise InvalidInput("The header X-GitHub-Event is missing or malformed.", remedy="set it to push")
    if event != "ping":
        return f"{event} events deploy nothing; push does"
    try:
        repository = push_event.repository_of(payload)
    except InvalidInput:
        return "pong"  # a ping of an organisation's webhook names no repository
    if push_event.is_of(repository, hook.repository_identity):
        return "pong"
    return f"pong; but this hook is for {push_event.repository_path(hook.repository_identity)}, not for {repository}"


def _message(event: PushEvent, made: Sequence[CreatedDeployment]) -> str:
    return f"{event.commit_sha[:_SHORT]} is being deployed: {', '.join(each.app for each in made)}"
