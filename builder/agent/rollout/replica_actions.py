"""A replica's steps, from its row to its end. Slow ones run as chores; each looks at the row again."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from builder.agent.background_tasks import PROBE, START, STOP
from builder.agent.dependencies import REASON, Dependencies, Scope
from builder.agent.rollout import volumes
from builder.agent.rollout.crashes import output_notes, record_crash
from builder.agent.rollout.failures import fail
from builder.agent.rollout.probing import ANSWER_S, Question
from builder.agent.rollout.specs import Place, spec_of
from builder.agent.routes import address_quarantine
from builder.agent.routes.targets import remove_target
from builder.agent.telemetry import output
from slipway.core.app_settings.configuration import Configuration
from slipway.core.deployment.states import State
from slipway.core.rollout import fleet
from slipway.domain import lifecycle
from slipway.errors import DependencyUnavailable, DeploymentFailed, SlipwayError
from slipway.models import Deployment, Domain, Release, Replica, now

log = logging.getLogger(__name__)

PROBE_S = 1.0
"""One probe chore asks for this long, then the pass looks whether to go on."""


def publish(dependencies: Dependencies) -> None:
    """Publish now rather than at the next regular look. With Redis away that one does it."""
    try:
        dependencies.routes.sync()
    except DependencyUnavailable as error:
        log.warning("routes are not published yet", extra={"why": error.message})


def create(dependencies: Dependencies, scope: Scope, action: fleet.CreateReplica) -> bool:
    """A row, and one for each volume, before anything runs: after a crash here the same row is started."""
    replica_id = f"r-{uuid4().hex[:16]}"
    try:
        dependencies.runtime.reserve(scope.tenant_id, replica_id)
        with dependencies.db.write(platform=REASON) as session:
            if _taken(session, action):
                return False
            volumes.ensure(session, session.get_one(Release, action.release_id), action.process)
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
                    state=fleet.STARTING,
                )
            )
    except DeploymentFailed as error:
        return _refused(dependencies, scope, action, error)
    return True


def launch(dependencies: Dependencies, scope: Scope, action: fleet.Launch) -> bool:
    """Start its container, when what is left of an earlier one is removed."""

    def work() -> None:
        try:
            _clear_away(dependencies, action.replica_id)
            _start(dependencies, action.replica_id)
        except DependencyUnavailable:
            raise
        except SlipwayError as error:
            reason = error.reason if isinstance(error, DeploymentFailed) else "start-refused"
            dependencies.hints.refusals[action.replica_id] = fleet.Failure(reason, error.message, error.remedy)
            log.info("start refused", extra={"replica": action.replica_id, "why": error.message})

    return dependencies.background_tasks.begin(START, f"replica:{action.replica_id}", scope.app_id, work)


def adopt(dependencies: Dependencies, scope: Scope, action: fleet.Adopt) -> bool:
    """Found by its label: the row was not written before a crash."""
    found = [each for each in dependencies.observed_state.of(scope.app_id) if each.container_id == action.container_id]
    with dependencies.db.write(platform=REASON) as session:
        row = session.get(Replica, action.replica_id)
        if row is None:
            return False
        row.container_id = action.container_id
        for each in found:
            row.address = each.address or row.address
            address_quarantine.hold(session, row)
    return True


def probe(dependencies: Dependencies, scope: Scope, action: fleet.ProbeReplica) -> bool:
    """Ask for a second whether it answers. What answers has to run still, when it is looked at afterwards: the answer
    may have come from what a parent left behind."""
    question = _question(dependencies, action.replica_id)
    if question is None:
        return False

    def work() -> None:
        before = dependencies.hints.probes.get(action.replica_id)
        tries, error = dependencies.prober.ask(question, for_s=PROBE_S)
        tries += before.tries if before else 0
        if not error:
            dependencies.observed_state.changed()
        dependencies.hints.probes[action.replica_id] = fleet.Probe(not error, tries, error)

    return dependencies.background_tasks.begin(PROBE, f"replica:{action.replica_id}", scope.app_id, work)


def ask(dependencies: Dependencies, scope: Scope, action: fleet.AskReplica) -> bool:
    """Ask once, with as much time to answer as at the start: what became ready slowly does not fail for being slow.
    Nothing else about the replica waits for the answer."""
    question = _question(dependencies, action.replica_id)
    if question is None:
        return False

    def work() -> None:
        _, error = dependencies.prober.ask(question, for_s=0)
        before = dependencies.hints.answers.get(action.replica_id)
        failures = 1 + (before.failures if before else 0) if error else 0
        dependencies.hints.answers[action.replica_id] = fleet.Answers(dependencies.clock(), failures, error)

    return dependencies.background_tasks.begin(PROBE, f"watch:{action.replica_id}", scope.app_id, work)


def _question(dependencies: Dependencies, replica_id: str) -> Question | None:
    with dependencies.db.read(platform=REASON) as session:
        row = session.get(Replica, replica_id)
        release = session.get(Release, row.release_id) if row else None
        if row is None or row.address is None or release is None:
            return None
        hosts = select(Domain.host).filter_by(app_id=row.app_id, environment=row.environment, process=row.process)
        host = session.scalar(hosts.order_by(Domain.id).limit(1)) or row.address
    configuration = Configuration.from_json(release.configuration)
    return Question(row.address, configuration.port, configuration.health_path, host, configuration.probe, ANSWER_S)


def mark_ready(dependencies: Dependencies, _scope: Scope, action: fleet.MarkReady) -> bool:
    with dependencies.db.write(platform=REASON) as session:
        row = session.get(Replica, action.replica_id)
        if row is None or row.state != fleet.STARTING:
            return False
        row.state, row.ready_at, row.retry_at, row.exit_code = fleet.READY, now(), None, None
    dependencies.hints.forget(action.replica_id)
    return True


def mark_crashed(dependencies: Dependencies, scope: Scope, action: fleet.MarkCrashed) -> bool:
    """Out of the route table at once; started again when its time comes."""
    with dependencies.db.write(platform=REASON) as session:
        row = session.get(Replica, action.replica_id)
        if row is None or row.state not in (fleet.STARTING, fleet.READY):
            return False
        if action.ended:
            record_crash(session, row, action.ended, dependencies.clock())
        row.state, row.exit_code, row.restarts = fleet.CRASHED, action.exit_code, action.restarts
        row.retry_at = datetime.fromtimestamp(action.retry_at, UTC)
        row.ready_at = None
        named = remove_target(session, scope, row)
    dependencies.hints.forget(action.replica_id)
    log.info("crashed", extra={"replica": action.replica_id, "why": action.why, "restarts": action.restarts})
    if named:
        publish(dependencies)
    return True


def reuse(dependencies: Dependencies, _scope: Scope, action: fleet.Reuse) -> bool:
    """It was leaving and is wanted again: probed like a new one."""
    with dependencies.db.write(platform=REASON) as session:
        row = session.get(Replica, action.replica_id)
        if row is None or row.state != fleet.DRAINING or row.ended_at is not None:
            return False
        row.state = fleet.STARTING
    dependencies.hints.forget(action.replica_id)
    return True


def drain(dependencies: Dependencies, scope: Scope, action: fleet.Drain) -> bool:
    """No new request to it."""
    with dependencies.db.write(platform=REASON) as session:
        row = session.get(Replica, action.replica_id)
        if row is None or row.state in (fleet.DRAINING, fleet.GONE):
            return False
        row.state = fleet.DRAINING
        named = remove_target(session, scope, row)
    dependencies.hints.forget(action.replica_id)
    if named:
        publish(dependencies)
    return True


def remove(dependencies: Dependencies, scope: Scope, action: fleet.Remove) -> bool:
    """SIGTERM, its time to stop, output kept, removed, address given back."""
    with dependencies.db.write(platform=REASON) as session:
        row = session.get(Replica, action.replica_id)
        if row is None or row.state != fleet.DRAINING:
            return False
        row.ended_at = row.ended_at or now()
        release = session.get(Release, row.release_id)
        grace_s = release.configuration["stop_grace_s"] if release else dependencies.settings.stop_grace_s
        container_id, notes = row.container_id, output_notes(session, row, dependencies.clock())
        if action.cut:
            _note_cut(session, scope, action.cut)

    def work() -> None:
        if container_id:
            dependencies.runtime.stop(container_id, grace_s=grace_s)
            _take_away(dependencies, action.replica_id, container_id, notes)
        with dependencies.db.write(platform=REASON) as session:
            row = session.get(Replica, action.replica_id)
            if row is not None:
                row.state, row.ended_at = fleet.GONE, now()
        address_quarantine.quarantine(dependencies, action.replica_id)
        dependencies.hints.forget(action.replica_id)
        log.info("removed", extra={"replica": action.replica_id})

    return dependencies.background_tasks.begin(STOP, f"replica:{action.replica_id}", scope.app_id, work)


def _note_cut(session: Session, scope: Scope, cut: int) -> None:
    query = select(Deployment).filter_by(app_id=scope.app_id, environment=scope.environment, state=str(State.LIVE))
    live = session.scalar(query)
    step = lifecycle.current_step(live) if live else None
    if live and step and step["name"] == "drain":
        lifecycle.note_step(live, f"{step['note']}, {cut} still open when the grace was over")


def _taken(session: Session, action: fleet.CreateReplica) -> bool:
    of_slot = {"release_id": action.release_id, "process": action.process, "slot": action.slot}
    return session.scalar(select(Replica.id).filter_by(**of_slot).where(Replica.state != fleet.GONE)) is not None


def _refused(dependencies: Dependencies, scope: Scope, action: fleet.CreateReplica, error: DeploymentFailed) -> bool:
    """The runtime has no room: the deployment fails; a replica of what is live already has to wait."""
    failure = fleet.Failure(error.reason, error.message, error.remedy)
    place = f"{action.release_id}-{action.process}"
    if dependencies.hints.refusals.get(place) != failure:
        dependencies.hints.refusals[place] = failure
        log.warning("no replica can be added", extra={"why": error.message, "deployment": action.deployment_id})
    return fail(dependencies, scope, fleet.Fail(action.deployment_id, failure))


def _clear_away(dependencies: Dependencies, replica_id: str) -> None:
    """What is left of an earlier try."""
    with dependencies.db.read(platform=REASON) as session:
        row = session.get_one(Replica, replica_id)
        notes = output_notes(session, row, dependencies.clock())
    if row.container_id is None and row.state == fleet.STARTING:
        return
    if row.container_id is not None:
        _take_away(dependencies, replica_id, row.container_id, notes)
    with dependencies.db.write(platform=REASON) as session:
        row = session.get_one(Replica, replica_id)
        if row.state == fleet.CRASHED:
            row.state = fleet.STARTING
        row.container_id = None


def _take_away(dependencies: Dependencies, replica_id: str, container_id: str, notes: list[bytes]) -> None:
    output.keep(dependencies.settings, dependencies.runtime, replica_id, container_id, notes)
    dependencies.runtime.remove(container_id)
    dependencies.observed_state.changed()


def _start(dependencies: Dependencies, replica_id: str) -> None:
    with dependencies.db.read(platform=REASON) as session:
        row = session.get_one(Replica, replica_id)
        if row.state != fleet.STARTING:
            return
        release = session.get_one(Release, row.release_id)
        place = Place(row.id, row.process, row.slot, row.deployment_id)
        spec = spec_of(session, dependencies.vault, release, place)
    started = dependencies.runtime.start(spec)
    dependencies.observed_state.changed()
    with dependencies.db.write(platform=REASON) as session:
        row = session.get_one(Replica, replica_id)
        row.container_id, row.address, row.started_at = started.container_id, started.address, now()
        address_quarantine.hold(session, row)
