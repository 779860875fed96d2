"""A replica's steps, from its row to its end. Slow ones run as chores; each looks at the row again."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from builder.agent.chores import PROBE, START, STOP
from builder.agent.parts import REASON, Parts, Scope
from builder.agent.rollout import volumes
from builder.agent.rollout.crashes import output_notes, record_crash
from builder.agent.rollout.failures import fail
from builder.agent.rollout.probing import ANSWER_S, Question
from builder.agent.rollout.specs import Place, spec_of
from builder.agent.routes import addresses, vacating
from builder.agent.routes.targets import remove_target
from builder.agent.telemetry import output
from slipway import lifecycle
from slipway.core import fleet
from slipway.core.configuration import Configuration
from slipway.core.states import State
from slipway.errors import DependencyUnavailable, DeploymentFailed, SlipwayError
from slipway.models import Deployment, Domain, Release, Replica, now

log = logging.getLogger(__name__)

PROBE_S = 1.0
"""One probe chore asks for this long, then the pass looks whether to go on."""


def publish(parts: Parts) -> None:
    """Publish now rather than at the next regular look. With Redis away that one does it."""
    try:
        parts.routes.sync()
    except DependencyUnavailable as error:
        log.warning("routes are not published yet", extra={"why": error.message})


def create(parts: Parts, scope: Scope, action: fleet.CreateReplica) -> bool:
    """A row with an address, and one for each volume, before anything runs: after a crash here the same row is
    started."""
    try:
        subnet = addresses.network_of(parts, scope.tenant_id)
        with parts.db.write(platform=REASON) as session:
            if _taken(session, action):
                return False
            volumes.ensure(session, session.get_one(Release, action.release_id), action.process)
            replica_id = f"r-{uuid4().hex[:16]}"
            session.add(
                Replica(
                    id=replica_id,
                    tenant_id=scope.tenant_id,
                    app_id=scope.app_id,
                    environment=scope.environment,
                    process=action.process,
                    release_id=action.release_id,
                    deployment_id=action.deployment_id,
                    slot=action.slot,
                    address=addresses.allocate(session, scope.tenant_id, subnet, replica_id),
                    state=fleet.STARTING,
                )
            )
    except DeploymentFailed as error:
        return _refused(parts, scope, action, error)
    return True


def launch(parts: Parts, scope: Scope, action: fleet.Launch) -> bool:
    """Start its container, when what is left of an earlier one is removed."""

    def work() -> None:
        try:
            _clear_away(parts, action.replica_id)
            _start(parts, action.replica_id)
        except DependencyUnavailable:
            raise
        except SlipwayError as error:
            reason = error.reason if isinstance(error, DeploymentFailed) else "start-refused"
            parts.hints.refusals[action.replica_id] = fleet.Failure(reason, error.message, error.remedy)
            log.info("start refused", extra={"replica": action.replica_id, "why": error.message})

    return parts.chores.begin(START, f"replica:{action.replica_id}", scope.app_id, work)


def adopt(parts: Parts, _scope: Scope, action: fleet.Adopt) -> bool:
    """Found by its label: the row was not written before a crash."""
    with parts.db.write(platform=REASON) as session:
        row = session.get(Replica, action.replica_id)
        if row is None:
            return False
        row.container_id = action.container_id
    return True


def probe(parts: Parts, scope: Scope, action: fleet.ProbeReplica) -> bool:
    """Ask for a second whether it answers. What answers has to run still, when it is looked at afterwards: the answer
    may have come from what a parent left behind."""
    question = _question(parts, action.replica_id)
    if question is None:
        return False

    def work() -> None:
        before = parts.hints.probes.get(action.replica_id)
        tries, error = parts.prober.ask(question, for_s=PROBE_S)
        tries += before.tries if before else 0
        if not error:
            parts.reality.changed()
        parts.hints.probes[action.replica_id] = fleet.Probe(not error, tries, error)

    return parts.chores.begin(PROBE, f"replica:{action.replica_id}", scope.app_id, work)


def ask(parts: Parts, scope: Scope, action: fleet.AskReplica) -> bool:
    """Ask once, with as much time to answer as at the start: what became ready slowly does not fail for being slow.
    Nothing else about the replica waits for the answer."""
    question = _question(parts, action.replica_id)
    if question is None:
        return False

    def work() -> None:
        _, error = parts.prober.ask(question, for_s=0)
        before = parts.hints.answers.get(action.replica_id)
        failures = 1 + (before.failures if before else 0) if error else 0
        parts.hints.answers[action.replica_id] = fleet.Answers(parts.clock(), failures, error)

    return parts.chores.begin(PROBE, f"watch:{action.replica_id}", scope.app_id, work)


def _question(parts: Parts, replica_id: str) -> Question | None:
    with parts.db.read(platform=REASON) as session:
        row = session.get(Replica, replica_id)
        release = session.get(Release, row.release_id) if row else None
        if row is None or row.address is None or release is None:
            return None
        hosts = select(Domain.host).filter_by(app_id=row.app_id, environment=row.environment, process=row.process)
        host = session.scalar(hosts.order_by(Domain.id).limit(1)) or row.address
    configuration = Configuration.from_json(release.configuration)
    return Question(row.address, configuration.port, configuration.health_path, host, configuration.probe, ANSWER_S)


def mark_ready(parts: Parts, _scope: Scope, action: fleet.MarkReady) -> bool:
    with parts.db.write(platform=REASON) as session:
        row = session.get(Replica, action.replica_id)
        if row is None or row.state != fleet.STARTING:
            return False
        row.state, row.ready_at, row.retry_at, row.exit_code = fleet.READY, now(), None, None
    parts.hints.forget(action.replica_id)
    return True


def mark_crashed(parts: Parts, scope: Scope, action: fleet.MarkCrashed) -> bool:
    """Out of the route table at once; started again when its time comes."""
    with parts.db.write(platform=REASON) as session:
        row = session.get(Replica, action.replica_id)
        if row is None or row.state not in (fleet.STARTING, fleet.READY):
            return False
        if action.ended:
            record_crash(session, row, action.ended, parts.clock())
        row.state, row.exit_code, row.restarts = fleet.CRASHED, action.exit_code, action.restarts
        row.retry_at = datetime.fromtimestamp(action.retry_at, UTC)
        row.ready_at = None
        named = remove_target(session, scope, row)
    parts.hints.forget(action.replica_id)
    log.info("crashed", extra={"replica": action.replica_id, "why": action.why, "restarts": action.restarts})
    if named:
        publish(parts)
    return True


def reuse(parts: Parts, _scope: Scope, action: fleet.Reuse) -> bool:
    """It was leaving and is wanted again: probed like a new one."""
    with parts.db.write(platform=REASON) as session:
        row = session.get(Replica, action.replica_id)
        if row is None or row.state != fleet.DRAINING or row.ended_at is not None:
            return False
        row.state = fleet.STARTING
    parts.hints.forget(action.replica_id)
    return True


def drain(parts: Parts, scope: Scope, action: fleet.Drain) -> bool:
    """No new request to it."""
    with parts.db.write(platform=REASON) as session:
        row = session.get(Replica, action.replica_id)
        if row is None or row.state in (fleet.DRAINING, fleet.GONE):
            return False
        row.state = fleet.DRAINING
        named = remove_target(session, scope, row)
    parts.hints.forget(action.replica_id)
    if named:
        publish(parts)
    return True


def remove(parts: Parts, scope: Scope, action: fleet.Remove) -> bool:
    """SIGTERM, its time to stop, output kept, removed, address given back."""
    with parts.db.write(platform=REASON) as session:
        row = session.get(Replica, action.replica_id)
        if row is None or row.state != fleet.DRAINING:
            return False
        row.ended_at = row.ended_at or now()
        release = session.get(Release, row.release_id)
        grace_s = release.configuration["stop_grace_s"] if release else parts.settings.stop_grace_s
        container_id, notes = row.container_id, output_notes(session, row, parts.clock())
        if action.cut:
            _note_cut(session, scope, action.cut)

    def work() -> None:
        if container_id:
            parts.runtime.stop(container_id, grace_s=grace_s)
            _take_away(parts, action.replica_id, container_id, notes)
        with parts.db.write(platform=REASON) as session:
            row = session.get(Replica, action.replica_id)
            if row is not None:
                row.state, row.ended_at = fleet.GONE, now()
        vacating.vacate(parts, action.replica_id)
        parts.hints.forget(action.replica_id)
        log.info("removed", extra={"replica": action.replica_id})

    return parts.chores.begin(STOP, f"replica:{action.replica_id}", scope.app_id, work)


def _note_cut(session: Session, scope: Scope, cut: int) -> None:
    query = select(Deployment).filter_by(app_id=scope.app_id, environment=scope.environment, state=str(State.LIVE))
    live = session.scalar(query)
    step = lifecycle.step_at_hand(live) if live else None
    if live and step and step["name"] == "drain":
        lifecycle.note_step(live, f"{step['note']}, {cut} still open when the grace was over")


def _taken(session: Session, action: fleet.CreateReplica) -> bool:
    of_slot = {"release_id": action.release_id, "process": action.process, "slot": action.slot}
    return session.scalar(select(Replica.id).filter_by(**of_slot).where(Replica.state != fleet.GONE)) is not None


def _refused(parts: Parts, scope: Scope, action: fleet.CreateReplica, error: DeploymentFailed) -> bool:
    """No address: the deployment fails; a replica of what is live already has to wait."""
    failure = fleet.Failure(error.reason, error.message, error.remedy)
    place = f"{action.release_id}-{action.process}"
    if parts.hints.refusals.get(place) != failure:
        parts.hints.refusals[place] = failure
        log.warning("no replica can be added", extra={"why": error.message, "deployment": action.deployment_id})
    return fail(parts, scope, fleet.Fail(action.deployment_id, failure))


def _clear_away(parts: Parts, replica_id: str) -> None:
    """What is left of an earlier try."""
    with parts.db.read(platform=REASON) as session:
        row = session.get_one(Replica, replica_id)
        notes = output_notes(session, row, parts.clock())
    if row.container_id is None and row.state == fleet.STARTING:
        return
    if row.container_id is not None:
        _take_away(parts, replica_id, row.container_id, notes)
    with parts.db.write(platform=REASON) as session:
        row = session.get_one(Replica, replica_id)
        if row.state == fleet.CRASHED:
            row.state = fleet.STARTING
        row.container_id = None


def _take_away(parts: Parts, replica_id: str, container_id: str, notes: list[bytes]) -> None:
    output.keep(parts.settings, parts.runtime, replica_id, container_id, notes)
    parts.runtime.remove(container_id)
    parts.reality.changed()


def _start(parts: Parts, replica_id: str) -> None:
    with parts.db.read(platform=REASON) as session:
        row = session.get_one(Replica, replica_id)
        if row.state != fleet.STARTING or row.address is None:
            return
        release = session.get_one(Release, row.release_id)
        place = Place(row.id, row.process, row.slot, row.address, row.deployment_id)
        spec = spec_of(session, parts.vault, release, place)
    parts.runtime.ensure_network(spec.tenant, spec.subnet)
    container_id = parts.runtime.start(spec)
    parts.reality.changed()
    with parts.db.write(platform=REASON) as session:
        row = session.get_one(Replica, replica_id)
        row.container_id, row.started_at = container_id, now()
