"""The agent's threads and loops. A failing dependency is logged once, waited for, and used again."""

from __future__ import annotations

import functools
import itertools
import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from builder.agent.api import internal_api, stream_server
from builder.agent.assembly import Adapters, Components
from builder.agent.attached.backups import BackupSchedules, trim_backups
from builder.agent.change_detection import ChangeDetection
from builder.agent.dependency_backoff import DependencyBackoff
from builder.agent.event_listener import EventListener, Handlers
from builder.agent.maintenance import certificates, image_gc, requeue, retention, volumes
from builder.agent.maintenance.app_deletion import AppDeletion
from builder.agent.maintenance.polling import Polling
from builder.agent.previews.loops import Loop
from builder.agent.reporting import EVERY_S as REPORT_S
from builder.agent.reporting import Reporting
from builder.agent.routes.https_policies import HttpsPolicies
from builder.agent.routes.limit_tokens import EVERY_S as LIMIT_TOKENS_S
from builder.agent.routes.limit_tokens import LimitTokenSync
from builder.agent.runs.retention import trim_runs
from builder.agent.runs.schedules import EVERY_S as SCHEDULES_S
from builder.agent.runs.schedules import Schedules
from builder.agent.scheduler import Scheduler
from builder.agent.scope import REASON
from builder.agent.telemetry.loads import EVERY_S as LOADS_S
from builder.agent.telemetry.loads import LoadMeter, balanced_by_load
from builder.agent.telemetry.resource_samples import EVERY_S as SAMPLES_S
from builder.agent.telemetry.resource_samples import ResourceSamples
from builder.agent.telemetry.stats import replica_stats
from builder.agent.telemetry.usage_counting import EVERY_S as USAGE_S
from builder.agent.telemetry.usage_counting import UsageCounting
from builder.agent.telemetry.volume_sizes import VolumeSizes
from slipway.domain.quota.plans import host_quotas
from slipway.domain.route_table import route_table
from slipway.domain.runs.ticks import HostLimits
from slipway.domain.usage.metering import known_counters
from slipway.errors import SlipwayError
from slipway.models import Edge
from slipway.ports.building import ImageBuilder
from slipway.ports.events import Events, UsageStream
from slipway.ports.logs import DeploymentLog
from slipway.ports.queue import CertificateQueue, DeploymentQueue
from slipway.ports.runtime import Change
from slipway.settings import Settings

log = logging.getLogger(__name__)

ISOLATION_S = 60.0
GARBAGE_S = 300.0
CHECKPOINT_S = 1.0
"""How often SQLite's journal is moved into its file, so that nobody's commit has to."""
_PAUSE_FACTOR, LONGEST_PAUSE_S = 10, 10.0
"""Comparing thousands of apps takes part of a second: the pause after it is so many times as long."""


@dataclass(frozen=True, slots=True)
class Background:
    """What the agent's periodic work needs beside the components of a rollout."""

    events: Events
    queue: DeploymentQueue
    certificates: CertificateQueue
    builder: Callable[[], ImageBuilder]
    logs: DeploymentLog
    polling: Polling
    reporting: Reporting
    limit_tokens: LimitTokenSync
    https: HttpsPolicies
    usage: UsageStream
    previews: tuple[Loop, ...] = ()


@dataclass(frozen=True, slots=True)
class _Periodic:
    what: str
    every_s: float
    work: Callable[[], object]


class Agent:
    """All loops of one elected agent."""

    def __init__(
        self,
        settings: Settings,
        adapters: Adapters,
        components: Components,
        background: Background,
        scheduler: Scheduler,
        dependency_backoff: DependencyBackoff,
    ) -> None:
        self._settings = settings
        self._adapters = adapters
        self._components = components
        self._background = background
        self._scheduler = scheduler
        self._dependency_backoff = dependency_backoff
        self._changes = ChangeDetection(adapters.db, components.observed_state, scheduler.wake)
        self._deletion = AppDeletion(
            adapters.db,
            adapters.runtime,
            components.observed_state,
            components.routes,
            components.output_store,
            background.builder,
            background.logs,
        )
        self._stopped = threading.Event()
        self._check_now = threading.Event()
        self._publish_now = threading.Event()
        self._checked_at = 0.0

    def run(self) -> None:
        """Work until `stop`."""
        self._try("isolation", self._adapters.runtime.ensure_isolation)
        self._try("terminals", self._adapters.runtime.end_terminals)
        self._scheduler.start(self._run_pass)
        self._serve()
        self._listen()
        self._loop("publish", self._publish_on_change)
        self._loop("https", self._publish_https)
        self._loop("poll", lambda: self._background.polling.run(self._stopped))
        for each in self._periodic():
            self._loop(each.what, functools.partial(self._repeat, each))
        log.info("started", extra={"instance": self._settings.instance, "edge": self._settings.edge_id})
        self._reconcile()

    def stop(self) -> None:
        self._stopped.set()
        self._check_now.set()
        self._publish_now.set()
        self._background.https.changed()
        self._scheduler.stop()

    def status(self) -> dict[str, Any]:
        """For `/status` and `/readyz` of the internal API."""
        return {
            "apps": len(self._changes),
            "background_tasks": sorted(self._components.background_tasks.busy()),
            "failing": self._dependency_backoff.now(),
            "checked_s_ago": round(time.monotonic() - self._checked_at, 1),
        }

    def _serve(self) -> None:
        runtime, components = self._adapters.runtime, self._components
        calls = internal_api.Calls(
            status=self.status,
            head_of=self._background.polling.head_of,
            output=components.holder_output.so_far,
            stats=functools.partial(replica_stats, self._adapters.db, runtime),
            last_probe=components.last_probe,
            volume_sizes=VolumeSizes(runtime.volume_sizes).now,
        )
        internal_api.serve(self._settings.agent_socket, calls)
        follow, terminals = components.holder_output.follow, components.terminals
        idle_s = self._settings.terminal_idle_s
        stream_server.serve(self._settings.agent_streams_socket, follow, terminals.open, idle_s=idle_s)

    def _listen(self) -> None:
        handlers = Handlers(
            self._check_now.set, self._publish_now.set, self._components.activation.activate, self._container_changed
        )
        listener = EventListener(self._scheduler, handlers, self._dependency_backoff, self._stopped)
        sources = listener.sources(self._background.events, self._adapters.runtime, self._components.observed_state)
        for name, follow in sources.items():
            self._loop(name, follow)

    def _periodic(self) -> Iterator[_Periodic]:
        settings, adapters = self._settings, self._adapters
        meter = LoadMeter(adapters.runtime, adapters.publisher, lambda: balanced_by_load(adapters.db))
        yield _Periodic("isolation", ISOLATION_S, adapters.runtime.ensure_isolation)
        yield _Periodic("requeue", min(5.0, settings.lapse_s / 3), self._requeue_stale)
        yield _Periodic("certificates", certificates.EVERY_S, self._enqueue_certificates)
        yield _Periodic("maintenance", settings.reconcile_s, self._maintain)
        yield _Periodic("loads", LOADS_S, meter.measure)
        yield _Periodic("checkpoint", CHECKPOINT_S, adapters.db.checkpoint)
        yield _Periodic("report", REPORT_S, self._background.reporting.look)
        yield _Periodic("limit tokens", LIMIT_TOKENS_S, self._background.limit_tokens.sync)
        limits = HostLimits(settings.run_timeout_s, settings.runs_per_tenant)
        schedules = Schedules(adapters.db, adapters.clock, self._scheduler.wake, limits)
        yield _Periodic("schedules", SCHEDULES_S, schedules.look)
        backups = BackupSchedules(adapters.db, adapters.clock, self._scheduler.wake)
        yield _Periodic("backups", SCHEDULES_S, backups.look)
        samples = self._samples()
        yield _Periodic("samples", SAMPLES_S, samples.sample)
        yield _Periodic("usage", USAGE_S, UsageCounting(adapters.db, self._background.usage, samples).work)
        yield _Periodic("garbage", GARBAGE_S, self._collect_garbage)
        yield from itertools.starmap(_Periodic, self._background.previews)

    def _samples(self) -> ResourceSamples:
        observed = self._components.observed_state
        known = functools.partial(known_counters, self._adapters.db)
        return ResourceSamples(
            self._adapters.runtime, lambda: itertools.chain.from_iterable(observed.all().values()), known
        )

    def check_all(self) -> None:
        """Compare all apps' desired and observed state, and give a pass to those that changed."""
        observed = self._changes.check()
        self._components.orphans.remove(observed)
        self._checked_at = time.monotonic()

    def _run_pass(self, app_id: int) -> float | None:
        of_apps = (self._components.reconciler, self._components.runs, self._components.services)
        recheck_at = min((at for each in of_apps if (at := each.run(app_id)) is not None), default=None)
        return None if recheck_at is None else max(0.0, recheck_at - self._adapters.clock())

    def _reconcile(self) -> None:
        registered = False
        while not self._stopped.is_set():
            self._check_now.clear()
            registered = registered or self._try("register", self._register)
            self._try("publish", self._components.routes.sync)
            began = time.monotonic()
            checked = self._try("reconcile", self.check_all)
            pause_s = min(LONGEST_PAUSE_S, _PAUSE_FACTOR * (time.monotonic() - began))
            self._check_now.wait(max(self._settings.reconcile_s, pause_s) if checked else 0.5)

    def _container_changed(self, change: Change) -> None:
        if self._components.container_events.handle(change):
            self._publish_now.set()

    def _publish_on_change(self) -> None:
        """In a loop of its own: comparing all apps takes longer the more there are."""
        while not self._stopped.is_set():
            self._publish_now.wait()
            self._publish_now.clear()
            self._try("publish", self._components.routes.sync)

    def _publish_https(self) -> None:
        while not self._stopped.is_set():
            self._background.https.wait(self._stopped)
            self._try("https", self._background.https.publish)

    def _register(self) -> None:
        """From now on every switch waits for this host's edge, and the host's quotas are in force."""
        with self._adapters.db.write(platform=REASON) as session:
            host_quotas(session, self._settings.default_quotas)
            route_table(session)
            if session.get(Edge, self._settings.edge_id) is None:
                session.add(Edge(id=self._settings.edge_id))

    def _requeue_stale(self) -> None:
        requeue.requeue_stale(self._adapters.db, self._background.queue, lapse_s=self._settings.lapse_s)

    def _enqueue_certificates(self) -> None:
        certificates.enqueue_due(self._adapters.db, self._background.certificates, self._settings)

    def _maintain(self) -> None:
        db, runtime, routes = self._adapters.db, self._adapters.runtime, self._components.routes
        self._components.quarantine.add_all()
        self._components.quarantine.reclaim(routes.confirmed())
        routes.trim()
        self._deletion.delete_apps()
        volumes.remove_requested(db, runtime)

    def _collect_garbage(self) -> None:
        db, runtime = self._adapters.db, self._adapters.runtime
        image_gc.collect_images(db, runtime, keep=self._settings.releases_kept)
        image_gc.collect_dangling(db, runtime, self._background.builder)
        image_gc.trim_output(db, self._components.output_store)
        image_gc.trim_logs(db, self._background.logs)
        trim_backups(db, self._components.backups)
        trim_runs(db, self._components.output_store, days=self._settings.history_days)
        retention.trim(db, days=self._settings.history_days)
        certificates.collect_files(self._settings)

    def _repeat(self, periodic: _Periodic) -> None:
        while not self._stopped.is_set():
            self._try(periodic.what, periodic.work)
            self._stopped.wait(periodic.every_s)

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

    def _loop(self, name: str, work: Callable[[], None]) -> None:
        threading.Thread(target=self._guarded, args=(name, work), name=name, daemon=True).start()

    def _guarded(self, name: str, work: Callable[[], None]) -> None:
        """A loop that ends before `stop` starts again."""
        while not self._stopped.is_set():
            try:
                work()
            except Exception:
                log.exception("a loop failed", extra={"loop": name})
            self._stopped.wait(1.0)
