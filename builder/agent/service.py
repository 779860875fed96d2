"""The agent's threads and loops. Whatever is away is said once, waited for, and taken up again."""

from __future__ import annotations

import functools
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from redis import Redis

from builder.agent import attention, container_events, internal_api, stream_server, waking
from builder.agent.outages import Outages
from builder.agent.parts import REASON, Parts
from builder.agent.rollout import passes
from builder.agent.routes import addresses, rousing, vacating
from builder.agent.scheduler import Scheduler
from builder.agent.telemetry.loads import EVERY_S as LOADS_S
from builder.agent.telemetry.loads import LoadMeter, balanced_by_load
from builder.agent.upkeep import deletion, history, housekeeping, lapsed, orphans, volumes
from builder.agent.upkeep.polling import Polling
from slipway.adapters import firewall
from slipway.errors import SlipwayError
from slipway.models import Edge
from slipway.ports.building import ImageBuilder
from slipway.ports.logs import DeploymentLog
from slipway.ports.runtime import Change
from slipway.queue import WorkQueue
from slipway.routes import route_table

log = logging.getLogger(__name__)

FIREWALL_S = 60.0
HOUSEKEEPING_S = 300.0
JOURNAL_S = 1.0
"""How often SQLite's journal is moved into its file: no commit of anybody's shall have to."""
_REST, LONGEST_REST_S = 10, 10.0
"""Looking at thousands of apps takes part of a second: it rests for so many times as long."""


@dataclass(frozen=True, slots=True)
class Outside:
    """What the agent needs beside its parts, for what isn't urgent."""

    redis: Redis
    """A client whose reads may block for a second."""
    queue: WorkQueue
    builder: Callable[[], ImageBuilder]
    logs: DeploymentLog
    polling: Polling


class Agent:
    """All loops of one elected agent."""

    def __init__(self, parts: Parts, outside: Outside, scheduler: Scheduler, outages: Outages) -> None:
        self._parts = parts
        self._outside = outside
        self._scheduler = scheduler
        self._outages = outages
        self._stopped = threading.Event()
        self._look = threading.Event()
        self._changed = threading.Event()
        self._marks: attention.Marks = {}
        self._looked_at = 0.0

    def run(self) -> None:
        """Work until `stop`."""
        settings = self._parts.settings
        self._try("firewall", lambda: firewall.ensure(settings))
        self._scheduler.start()
        internal_api.serve(self._parts, self.status, self._outside.polling.head_of)
        stream_server.serve(self._parts)
        rouse = functools.partial(rousing.rouse, self._parts)
        hearers = waking.Hearers(self._look.set, self._changed.set, rouse, self._container_changed)
        waker = waking.Waker(self._scheduler, hearers, self._outages, self._stopped)
        self._beside("wake", lambda: waker.listen(self._outside.redis))
        self._beside("publish", self._publish_when_told)
        self._beside("events", lambda: waker.watch(self._parts.runtime, self._parts.reality))
        self._beside("poll", lambda: self._outside.polling.run(self._stopped))
        self._beside("firewall", lambda: self._every(FIREWALL_S, "firewall", lambda: firewall.ensure(settings)))
        self._beside("lapsed", lambda: self._every(min(5.0, settings.lapse_s / 3), "lapsed", self._hand_out_again))
        self._beside("upkeep", lambda: self._every(settings.reconcile_s, "upkeep", self._upkeep))
        parts = self._parts
        meter = LoadMeter(parts.runtime, parts.publisher, lambda: balanced_by_load(parts.db))
        self._beside("loads", lambda: self._every(LOADS_S, "loads", meter.measure))
        self._beside("journal", lambda: self._every(JOURNAL_S, "journal", parts.db.checkpoint))
        self._beside("housekeeping", lambda: self._every(HOUSEKEEPING_S, "housekeeping", self._housekeeping))
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
            "apps": len(self._marks),
            "chores": sorted(self._parts.chores.busy()),
            "away": self._outages.now(),
            "looked_s_ago": round(time.monotonic() - self._looked_at, 1),
        }

    def look_around(self) -> None:
        """Compare all apps' wishes with reality, publish what is missing, and wake those that need a pass."""
        observed = self._parts.reality.all()
        everything = [each for containers in observed.values() for each in containers]
        with self._parts.db.read(platform=REASON) as session:
            marks = attention.marks(session, observed)
        for app_id in attention.changed(self._marks, marks):
            self._scheduler.wake(app_id)
        self._marks = marks
        orphans.remove(self._parts, everything)
        self._looked_at = time.monotonic()

    def _reconcile(self) -> None:
        registered = False
        while not self._stopped.is_set():
            self._look.clear()
            registered = registered or self._try("register", self._register)
            self._try("publish", self._parts.routes.sync)
            begun = time.monotonic()
            looked = self._try("look", self.look_around)
            rest_s = min(LONGEST_REST_S, _REST * (time.monotonic() - begun))
            self._look.wait(max(self._parts.settings.reconcile_s, rest_s) if looked else 0.5)

    def _container_changed(self, change: Change) -> None:
        if container_events.handle(self._parts, change):
            self._changed.set()

    def _publish_when_told(self) -> None:
        """Beside the look at all apps, which takes longer the more there are."""
        while not self._stopped.is_set():
            self._changed.wait()
            self._changed.clear()
            self._try("publish", self._parts.routes.sync)

    def _register(self) -> None:
        """This host's edge is one that every switch waits for."""
        with self._parts.db.write(platform=REASON) as session:
            route_table(session)
            if session.get(Edge, self._parts.settings.edge_id) is None:
                session.add(Edge(id=self._parts.settings.edge_id))

    def _hand_out_again(self) -> None:
        lapsed.hand_out_again(self._parts.db, self._outside.queue, lapse_s=self._parts.settings.lapse_s)

    def _upkeep(self) -> None:
        vacating.vacate_all(self._parts)
        addresses.wake_rested(self._parts, self._parts.routes.confirmed())
        self._parts.routes.trim()
        deletion.delete_apps(self._parts, self._outside.builder, self._outside.logs)
        volumes.remove_requested(self._parts)

    def _housekeeping(self) -> None:
        housekeeping.collect_images(self._parts)
        housekeeping.collect_strays(self._parts, self._outside.builder)
        housekeeping.trim_output(self._parts)
        housekeeping.trim_logs(self._parts, self._outside.logs)
        history.trim(self._parts)

    def _every(self, pause_s: float, what: str, work: Callable[[], object]) -> None:
        while not self._stopped.is_set():
            self._try(what, work)
            self._stopped.wait(pause_s)

    def _try(self, what: str, work: Callable[[], object]) -> bool:
        try:
            work()
        except SlipwayError as error:
            self._stopped.wait(self._outages.failed(what, error))
            return False
        except Exception:
            log.exception("failed", extra={"what": what})
            return False
        self._outages.recovered(what)
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


def made(parts_of: Callable[[Callable[[int, float], None]], Parts], threads: int) -> tuple[Parts, Scheduler, Outages]:
    """Parts and scheduler know each other: a chore that ends wakes its app, a pass uses the parts."""
    outages = Outages()
    later: list[Scheduler] = []
    parts = parts_of(lambda app_id, after_s: later[0].wake(app_id, after_s) if later else None)

    def visit(app_id: int) -> float | None:
        look_at = passes.run(parts, app_id)
        return None if look_at is None else max(0.0, look_at - parts.clock())

    later.append(Scheduler(visit, outages, threads=threads))
    return parts, later[0], outages
