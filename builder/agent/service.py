"""The agent's threads and loops. Whatever is away is said once, waited for, and taken up again."""

from __future__ import annotations

import functools
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from builder.agent import change_detection, container_events, event_listener, internal_api, stream_server
from builder.agent.dependencies import REASON, Dependencies
from builder.agent.dependency_backoff import DependencyBackoff
from builder.agent.maintenance import app_deletion, image_gc, orphans, requeue, retention, volumes
from builder.agent.maintenance.polling import Polling
from builder.agent.reporting import EVERY_S as REPORT_S
from builder.agent.reporting import Reporting
from builder.agent.rollout import reconcile
from builder.agent.routes import activation, address_quarantine
from builder.agent.scheduler import Scheduler
from builder.agent.telemetry.loads import EVERY_S as LOADS_S
from builder.agent.telemetry.loads import LoadMeter, balanced_by_load
from slipway.domain.route_table import route_table
from slipway.errors import SlipwayError
from slipway.models import Edge
from slipway.ports.building import ImageBuilder
from slipway.ports.events import Events
from slipway.ports.logs import DeploymentLog
from slipway.ports.queue import DeploymentQueue
from slipway.ports.runtime import Change

log = logging.getLogger(__name__)

ISOLATION_S = 60.0
HOUSEKEEPING_S = 300.0
JOURNAL_S = 1.0
"""How often SQLite's journal is moved into its file: no commit of anybody's shall have to."""
_REST, LONGEST_REST_S = 10, 10.0
"""Looking at thousands of apps takes part of a second: it rests for so many times as long."""


@dataclass(frozen=True, slots=True)
class BackgroundDependencies:
    """What the agent needs beside its parts, for what isn't urgent."""

    events: Events
    queue: DeploymentQueue
    builder: Callable[[], ImageBuilder]
    logs: DeploymentLog
    polling: Polling
    reporting: Reporting


class Agent:
    """All loops of one elected agent."""

    def __init__(
        self,
        dependencies: Dependencies,
        background: BackgroundDependencies,
        scheduler: Scheduler,
        dependency_backoff: DependencyBackoff,
    ) -> None:
        self._dependencies = dependencies
        self._background = background
        self._scheduler = scheduler
        self._dependency_backoff = dependency_backoff
        self._stopped = threading.Event()
        self._look = threading.Event()
        self._changed = threading.Event()
        self._fingerprints: change_detection.Fingerprints = {}
        self._looked_at = 0.0

    def run(self) -> None:
        """Work until `stop`."""
        settings = self._dependencies.settings
        self._try("isolation", self._dependencies.runtime.ensure_isolation)
        self._scheduler.start()
        internal_api.serve(self._dependencies, self.status, self._background.polling.head_of)
        stream_server.serve(self._dependencies)
        activate = functools.partial(activation.activate, self._dependencies)
        handlers = event_listener.Handlers(self._look.set, self._changed.set, activate, self._container_changed)
        listener = event_listener.EventListener(self._scheduler, handlers, self._dependency_backoff, self._stopped)
        self._beside("wake", lambda: listener.listen(self._background.events))
        self._beside("publish", self._publish_on_change)
        self._beside("events", lambda: listener.watch(self._dependencies.runtime, self._dependencies.observed_state))
        self._beside("poll", lambda: self._background.polling.run(self._stopped))
        isolate = self._dependencies.runtime.ensure_isolation
        self._beside("isolation", lambda: self._every(ISOLATION_S, "isolation", isolate))
        self._beside("lapsed", lambda: self._every(min(5.0, settings.lapse_s / 3), "lapsed", self._requeue_stale))
        self._beside("upkeep", lambda: self._every(settings.reconcile_s, "upkeep", self._maintain))
        dependencies = self._dependencies
        meter = LoadMeter(dependencies.runtime, dependencies.publisher, lambda: balanced_by_load(dependencies.db))
        self._beside("report", lambda: self._every(REPORT_S, "report", self._background.reporting.look))
        self._beside("loads", lambda: self._every(LOADS_S, "loads", meter.measure))
        self._beside("journal", lambda: self._every(JOURNAL_S, "journal", dependencies.db.checkpoint))
        self._beside("housekeeping", lambda: self._every(HOUSEKEEPING_S, "housekeeping", self._collect_garbage))
        log.info("at work", extra={"instance": settings.instance, "edge": settings.edge_id})
        self._reconcile()

    def stop(self) -> None:
        self._stopped.set()
        self._look.set()
        self._changed.set()
        self._scheduler.stop()

    def status(self) -> dict[str, Any]:
        """How the agent is."""
        return {
            "apps": len(self._fingerprints),
            "chores": sorted(self._dependencies.background_tasks.busy()),
            "away": self._dependency_backoff.now(),
            "looked_s_ago": round(time.monotonic() - self._looked_at, 1),
        }

    def look_around(self) -> None:
        """Compare all apps' wishes with reality, publish what is missing, and wake those that need a pass."""
        observed = self._dependencies.observed_state.all()
        everything = [each for containers in observed.values() for each in containers]
        with self._dependencies.db.read(platform=REASON) as session:
            fingerprints = change_detection.fingerprints(session, observed)
        for app_id in change_detection.changed(self._fingerprints, fingerprints):
            self._scheduler.wake(app_id)
        self._fingerprints = fingerprints
        orphans.remove(self._dependencies, everything)
        self._looked_at = time.monotonic()

    def _reconcile(self) -> None:
        registered = False
        while not self._stopped.is_set():
            self._look.clear()
            registered = registered or self._try("register", self._register)
            self._try("publish", self._dependencies.routes.sync)
            frozen = time.monotonic()
            looked = self._try("look", self.look_around)
            rest_s = min(LONGEST_REST_S, _REST * (time.monotonic() - frozen))
            self._look.wait(max(self._dependencies.settings.reconcile_s, rest_s) if looked else 0.5)

    def _container_changed(self, change: Change) -> None:
        if container_events.handle(self._dependencies, change):
            self._changed.set()

    def _publish_on_change(self) -> None:
        """Beside the look at all apps, which takes longer the more there are."""
        while not self._stopped.is_set():
            self._changed.wait()
            self._changed.clear()
            self._try("publish", self._dependencies.routes.sync)

    def _register(self) -> None:
        """This host's edge is one that every switch waits for."""
        with self._dependencies.db.write(platform=REASON) as session:
            route_table(session)
            if session.get(Edge, self._dependencies.settings.edge_id) is None:
                session.add(Edge(id=self._dependencies.settings.edge_id))

    def _requeue_stale(self) -> None:
        requeue.requeue_stale(
            self._dependencies.db, self._background.queue, lapse_s=self._dependencies.settings.lapse_s
        )

    def _maintain(self) -> None:
        address_quarantine.quarantine_all(self._dependencies)
        address_quarantine.reclaim(self._dependencies, self._dependencies.routes.confirmed())
        self._dependencies.routes.trim()
        app_deletion.delete_apps(self._dependencies, self._background.builder, self._background.logs)
        volumes.remove_requested(self._dependencies)

    def _collect_garbage(self) -> None:
        image_gc.collect_images(self._dependencies)
        image_gc.collect_dangling(self._dependencies, self._background.builder)
        image_gc.trim_output(self._dependencies)
        image_gc.trim_logs(self._dependencies, self._background.logs)
        retention.trim(self._dependencies)

    def _every(self, pause_s: float, what: str, work: Callable[[], object]) -> None:
        while not self._stopped.is_set():
            self._try(what, work)
            self._stopped.wait(pause_s)

    def _try(self, what: str, work: Callable[[], object]) -> bool:
        try:
            work()
        except SlipwayError as error:
            self._stopped.wait(self._dependency_backoff.failed(what, error))
            return False
        except Exception:
            log.exception("failed", extra={"what": what})
            return False
        self._dependency_backoff.recovered(what)
        return True

    def _beside(self, name: str, work: Callable[[], None]) -> None:
        threading.Thread(target=self._guarded, args=(name, work), name=name, daemon=True).start()

    def _guarded(self, name: str, work: Callable[[], None]) -> None:
        """A loop that ends before it was told to is begun again."""
        while not self._stopped.is_set():
            try:
                work()
            except Exception:
                log.exception("a loop failed", extra={"loop": name})
            self._stopped.wait(1.0)


def made(
    parts_of: Callable[[Callable[[int, float], None]], Dependencies], threads: int
) -> tuple[Dependencies, Scheduler, DependencyBackoff]:
    """Parts and scheduler know each other: a chore that ends wakes its app, a pass uses the parts."""
    dependency_backoff = DependencyBackoff()
    later: list[Scheduler] = []
    dependencies = parts_of(lambda app_id, after_s: later[0].wake(app_id, after_s) if later else None)

    def visit(app_id: int) -> float | None:
        look_at = reconcile.run(dependencies, app_id)
        return None if look_at is None else max(0.0, look_at - dependencies.clock())

    later.append(Scheduler(visit, dependency_backoff, threads=threads))
    return dependencies, later[0], dependency_backoff
