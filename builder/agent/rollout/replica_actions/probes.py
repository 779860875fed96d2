"""Probes of replicas: while they start, and while their release is watched."""

from __future__ import annotations

from sqlalchemy import select

from builder.agent.background_tasks import PROBE, BackgroundTasks
from builder.agent.observed_state import ObservedState
from builder.agent.rollout.probing import ANSWER_S, Prober, Question
from builder.agent.rollout.remembered import Hints
from builder.agent.scope import REASON, Scope
from slipway.core.app_settings.configuration import Configuration
from slipway.core.rollout.actions import MarkReady, ProbeReplica, ProbeWatched
from slipway.core.rollout.failure import ProbeCause
from slipway.core.rollout.probe_pace import NOT_PROBED
from slipway.core.rollout.replica_states import READY, STARTING
from slipway.core.rollout.view import Probe, WatchProbe
from slipway.db import Database
from slipway.domain import replica_lifecycle
from slipway.models import Domain, Release, Replica
from slipway.ports.clock import Clock

PROBE_S = 1.0
"""One background task probes for this long; then a pass decides whether to go on."""


class ReplicaProbes:
    def __init__(
        self,
        db: Database,
        prober: Prober,
        background_tasks: BackgroundTasks,
        observed_state: ObservedState,
        hints: Hints,
        clock: Clock,
    ) -> None:
        self._db = db
        self._prober = prober
        self._background_tasks = background_tasks
        self._observed_state = observed_state
        self._hints = hints
        self._clock = clock

    def probe(self, scope: Scope, action: ProbeReplica) -> bool:
        """Probe for a second. An answer counts only if a listing made after it shows the container running: the answer
        may have come from what a parent process left behind."""
        question = self._question(action.replica_id)
        if question is None:
            return False

        def work() -> None:
            before = self._hints.probes.get(action.replica_id)
            pace, error = self._prober.ask(question, for_s=PROBE_S, pace=before.pace if before else NOT_PROBED)
            if error is None:
                self._observed_state.changed()
            not_http = error is not None and error.cause is ProbeCause.NOT_HTTP
            in_a_row = 1 + (before.not_http if before else 0) if not_http else 0
            self._hints.probes[action.replica_id] = Probe(pace, error, in_a_row)

        return self._background_tasks.begin(PROBE, f"replica:{action.replica_id}", scope.app_id, work)

    def probe_watched(self, scope: Scope, action: ProbeWatched) -> bool:
        """Probe once, with as much time to answer as at the start: what became ready slowly does not fail for being
        slow. Nothing else about the replica waits for the answer."""
        question = self._question(action.replica_id)
        if question is None:
            return False

        def work() -> None:
            _, error = self._prober.ask(question, for_s=0)
            before = self._hints.watch_probes.get(action.replica_id)
            failures = 1 + (before.failures if before else 0) if error else 0
            self._hints.watch_probes[action.replica_id] = WatchProbe(self._clock(), failures, error)

        return self._background_tasks.begin(PROBE, f"watch:{action.replica_id}", scope.app_id, work)

    def mark_ready(self, _scope: Scope, action: MarkReady) -> bool:
        with self._db.write(platform=REASON) as session:
            row = session.get(Replica, action.replica_id)
            if row is None or row.state != STARTING:
                return False
            replica_lifecycle.advance(row, READY)
        self._hints.forget(action.replica_id)
        return True

    def _question(self, replica_id: str) -> Question | None:
        with self._db.read(platform=REASON) as session:
            row = session.get(Replica, replica_id)
            release = session.get(Release, row.release_id) if row else None
            if row is None or row.address is None or release is None:
                return None
            hosts = select(Domain.host).filter_by(app_id=row.app_id, environment=row.environment, process=row.process)
            hosts = hosts.where(Domain.redirect_to.is_(None), Domain.host.not_like("*.%"))
            host = session.scalar(hosts.order_by(Domain.id).limit(1)) or row.address
        configuration = Configuration.from_json(release.configuration)
        return Question(row.address, configuration.port, configuration.health_path, host, configuration.probe, ANSWER_S)
