"""Every intent to change what runs: push, manual deploy, promotion, rollback, configuration change, scale, cancel.

The only place that makes deployments. Each intent takes its app's next sequence number under a lock on the app's row,
in the caller's transaction. The caller commits, and only then calls `enqueue`, which hands builds to the workers' queue
and wakes the agent. Both are hints, which the agent repeats when they are lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import uuid4

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from slipway.core.app_settings.configuration import PRODUCTION, WEB
from slipway.core.deployment.ordering import cancelled_by_rollback, rolled_back_by
from slipway.core.deployment.states import UNFINISHED, WITH_IMAGE_TO_MAKE, Kind, State
from slipway.domain import lifecycle
from slipway.domain.quota import enforcement
from slipway.domain.releases.promotion import serving
from slipway.domain.releases.rollback import release_to_return_to
from slipway.domain.route_table import hosts_of, touch_routes
from slipway.errors import Conflict, InvalidInput, NotFound
from slipway.models import TO_CHANGE, App, Deployment, Scale
from slipway.ports.queue import DeploymentQueue

MAX_REPLICAS = 100
_LOCKED = "slipway_locked_apps"
_BY_KEY = select(Deployment.id).where(
    Deployment.app_id == bindparam("app_id"), Deployment.idempotency_key == bindparam("key")
)
_LIVE = select(Deployment).where(
    Deployment.app_id == bindparam("app_id"),
    Deployment.environment == bindparam("environment"),
    Deployment.state == str(State.LIVE),
)


@dataclass(frozen=True, slots=True)
class Pushed:
    """What a push reports of a commit."""

    ref: str
    commit_sha: str
    message: str = ""
    pushed_by: str = ""


def push(
    session: Session, app: App, pushed: Pushed, *, idempotency_key: str, delivery_row: int | None = None, actor: str
) -> Deployment:
    """Deploy a pushed commit; the deployment of the same key when there is one already."""
    return _existing(session, app, idempotency_key) or _add(
        session,
        app,
        kind=Kind.PUSH,
        idempotency_key=idempotency_key,
        delivery_row=delivery_row,
        ref=pushed.ref,
        commit_sha=pushed.commit_sha,
        message=pushed.message,
        pushed_by=pushed.pushed_by,
        actor=actor,
    )


def deploy(
    session: Session,
    app: App,
    *,
    ref: str,
    actor: str,
    idempotency_key: str = "",
    commit_sha: str = "",
    rebuild: bool = False,
) -> Deployment:
    """Deploy a branch, tag or commit by hand; the worker finds its commit, and does not compare it with the branch's
    head. What is live already is skipped, unless `rebuild` asks for a new image of it.

    Of an app that runs an image, `ref` is the image's name, which becomes the app's when the deployment goes live.

    Raises:
        Conflict: the key is that of a deployment of something else.
        QuotaExceeded: it would be built, and the tenant has no build minutes left this month.
    """
    key = f"manual:{idempotency_key or uuid4()}"
    kind = Kind.REBUILD if rebuild else Kind.MANUAL
    existing = _existing(session, app, key)
    if existing is not None:
        _refuse_another(existing, kind, ref, commit_sha)
        return existing
    if app.source == "git":
        enforcement.require_build(session, app.tenant_id)
    return _add(
        session,
        app,
        kind=kind,
        idempotency_key=key,
        ref=ref,
        commit_sha=commit_sha,
        message=ref if app.source == "image" else "",
        actor=actor,
    )


def _refuse_another(existing: Deployment, kind: Kind, ref: str, commit_sha: str) -> None:
    """A repeated request gets its deployment; a different one must not be answered with it."""
    same_commit = not commit_sha or existing.commit_sha == commit_sha
    if (existing.kind, existing.ref) != (kind, ref) or not same_commit:
        raise Conflict(
            f"that Idempotency-Key was used for deployment {existing.id}, of {existing.ref}",
            remedy="use a new key for another deployment",
        )


def promote(session: Session, app: App, *, source: App, actor: str, idempotency_key: str = "") -> Deployment:
    """Deploy the image that serves another app of the tenant, with the configuration of this one.

    Raises:
        InvalidInput: the two are one.
        Conflict: nothing serves there, or the key is that of another deployment.
    """
    if source.id == app.id:
        raise InvalidInput(f"{app.name} can't be promoted to itself", remedy="name another app: --to APP")
    key = f"promotion:{idempotency_key or uuid4()}"
    existing = _existing(session, app, key)
    if existing is not None:
        _refuse_another_source(existing, source)
        return existing
    release, made, image = serving(session, source, live_deployment(session, source.id))
    return _add(
        session,
        app,
        kind=Kind.PROMOTION,
        source=made.source,
        idempotency_key=key,
        ref=made.ref,
        commit_sha=release.commit_sha,
        message=f"from {image.name}",
        promoted=image.to_json(),
        actor=actor,
    )


def _refuse_another_source(existing: Deployment, source: App) -> None:
    promoted = existing.promoted or {}
    if promoted.get("app") != source.name:
        raise Conflict(
            f"that Idempotency-Key was used for deployment {existing.id}, of {promoted.get('app')}",
            remedy="use a new key for another deployment",
        )


def rollback(
    session: Session, app: App, *, actor: str, to: int | None = None, environment: str = PRODUCTION
) -> Deployment:
    """Go back to a release: number `to`, or the one that was live before. Cancels everything earlier.

    Raises:
        NotFound: there is no such release, or none to go back to.
        Conflict: it serves already, or its image was collected.
        QuotaExceeded: it needs more than the tenant may use.
    """
    _lock(session, app)
    live = live_deployment(session, app.id, environment)
    release = release_to_return_to(session, app, live, to, environment)
    enforcement.require_release(session, app, release)
    made = _add(
        session,
        app,
        kind=Kind.ROLLBACK,
        environment=environment,
        idempotency_key=f"rollback:{uuid4()}",
        release_id=release.id,
        commit_sha=release.commit_sha,
        message=f"back to v{release.number}",
        actor=actor,
    )
    unfinished = _unfinished(session, app, environment)
    earlier = {each.id for each in cancelled_by_rollback(made.sequence, [row.candidate() for row in unfinished])}
    for row in unfinished:
        if row.id in earlier:
            lifecycle.request_stop(row, State.CANCELLED, rolled_back_by(made.id))
    return made


def reconfigure(
    session: Session, app: App, *, actor: str, what: str, environment: str = PRODUCTION
) -> Deployment | None:
    """Run the live image with the configuration as it stands when starting begins. None when nothing is live and none
    has frozen its configuration yet: the first deployment will take it."""
    _lock(session, app)
    runs = live_deployment(session, app.id, environment) or _first_to_start(session, app, environment)
    if runs is None:
        return None
    return _add(
        session,
        app,
        kind=Kind.CONFIGURATION,
        environment=environment,
        image_sequence=runs.image_sequence,
        idempotency_key=f"configuration:{uuid4()}",
        commit_sha=runs.commit_sha,
        message=what,
        actor=actor,
    )


def scale(session: Session, app: App, *, replicas: int, process: str = WEB, environment: str = PRODUCTION) -> Scale:
    """Set the desired number of replicas. The agent starts or stops them; no deployment is made.

    Raises:
        QuotaExceeded: the tenant may not use so many.
    """
    if not 0 <= replicas <= MAX_REPLICAS:
        raise InvalidInput(f"an app can't have {replicas} replicas", remedy=f"give a number from 0 to {MAX_REPLICAS}")
    _take_sequence(session, app)
    enforcement.require_scale(session, app, process=process, environment=environment, replicas=replicas)
    row = session.scalar(select(Scale).filter_by(app_id=app.id, environment=environment, process=process))
    if row is None:
        row = Scale(tenant_id=app.tenant_id, app_id=app.id, environment=environment, process=process)
        session.add(row)
    if (row.replicas == 0) != (replicas == 0):  # requests wait for an app that starts, not for one that is stopped
        touch_routes(session, hosts_of(session, app.id, environment, process))
    row.replicas = replicas
    session.flush()
    return row


def cancel(deployment: Deployment, *, actor: str) -> None:
    """Stop an unfinished deployment.

    Raises:
        Conflict: it has ended already.
    """
    if State(deployment.state) not in UNFINISHED:
        raise Conflict(
            f"deployment {deployment.id} is {deployment.state} already",
            remedy=f"slipway deployments show {deployment.id}",
        )
    lifecycle.request_stop(deployment, State.CANCELLED, f"cancelled by {actor}")


def enqueue(queue: DeploymentQueue, deployments: list[Deployment]) -> None:
    """After the commit: enqueue what must be built, and wake the agent for the rest. Gives up at Redis' first timeout:
    the caller would wait for one after the other."""
    for deployment in deployments:
        if deployment.state == State.QUEUED and needs_build(deployment):
            if not queue.enqueue_build(deployment.id, deployment.attempt):
                return
        else:
            queue.wake_agent(deployment.app_id)


def mark_locked(session: Session, app: App) -> None:
    """The caller has read the app's row FOR UPDATE in this transaction: it need not be locked again."""
    session.info.setdefault(_LOCKED, set()).add(app.id)


def needs_build(deployment: Deployment) -> bool:
    """Does a worker have to build or pull its image first?"""
    return deployment.kind in WITH_IMAGE_TO_MAKE


def live_deployment(session: Session, app_id: int, environment: str = PRODUCTION) -> Deployment | None:
    """The one that serves."""
    return session.scalar(_LIVE, {"app_id": app_id, "environment": environment})


def _add(
    session: Session,
    app: App,
    *,
    kind: Kind,
    image_sequence: int | None = None,
    source: str | None = None,
    **values: object,
) -> Deployment:
    sequence = _take_sequence(session, app)
    deployment = Deployment(
        tenant_id=app.tenant_id,
        app_id=app.id,
        kind=str(kind),
        source=source or app.source,
        sequence=sequence,
        image_sequence=sequence if image_sequence is None else image_sequence,
        state=str(State.QUEUED),
        **values,
    )
    session.add(deployment)
    session.flush()
    return deployment


def _lock(session: Session, app: App) -> None:
    """Once in a transaction (a session of `Database` is one)."""
    if app.id not in session.info.get(_LOCKED, ()):
        session.flush()  # a refresh drops changes of the app that are not yet written
        session.refresh(app, with_for_update=TO_CHANGE)
        mark_locked(session, app)
    if app.deleted_at is not None:
        raise NotFound(f"the app {app.name} is being deleted")


def _take_sequence(session: Session, app: App) -> int:
    _lock(session, app)
    sequence = app.next_sequence
    app.next_sequence += 1
    return sequence


def _existing(session: Session, app: App, key: str) -> Deployment | None:
    _lock(session, app)
    # Without the ORM, since there mostly is none: what comes before and after a statement takes longer than it.
    found = session.connection().scalar(_BY_KEY, {"app_id": app.id, "key": key})
    return session.get_one(Deployment, found) if found else None


def _unfinished(session: Session, app: App, environment: str) -> list[Deployment]:
    states = [str(state) for state in UNFINISHED]
    query = select(Deployment).filter_by(app_id=app.id, environment=environment)
    return list(session.scalars(query.where(Deployment.state.in_(states))))


def _first_to_start(session: Session, app: App, environment: str) -> Deployment | None:
    """The deployment whose configuration is frozen, and which goes live next."""
    return next((row for row in _unfinished(session, app, environment) if row.candidate().frozen), None)
