"""What an app's replicas print, read through the agent: so far, or as it comes."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Iterator
from queue import Empty, Full, Queue

from router.followers import HEARTBEAT, HEARTBEAT_S, LIFETIME_S, event
from router.principal import Principal
from router.services import Services
from router.usecases.replicas import readable_replicas
from slipway.adapters.agent_client import AgentClient, Output
from slipway.errors import DependencyUnavailable, NotFound
from slipway.models import Replica

log = logging.getLogger(__name__)
LOOK_S = 2.0
"""How often new replicas are looked for."""
_WAITING_MAX = 1000
_AGAIN_TAIL = 500
"""Lines asked for again after a stream broke; those that were seen are dropped."""


def output_so_far(
    services: Services, principal: Principal, app_name: str, *, replica: str | None, tail: int
) -> Iterator[str]:
    """The last `tail` lines of each replica, in the order of their times: `<replica> <time> <text>`."""
    lines: list[tuple[str, str]] = []
    for each in _replicas(services, principal, app_name, replica):
        try:
            with services.agent.output(each, tail=tail, follow=False) as output:
                lines += [(line, each) for line in output.lines()]
        except NotFound:
            if replica is not None:
                raise
    lines.sort(key=lambda pair: pair[0].partition(" ")[0])
    return (f"{each} {line}\n" for line, each in lines)


def check_readable(services: Services, principal: Principal, app_name: str, replica: str | None) -> None:
    """Before a stream begins: raises `NotFound` or `DependencyUnavailable` when it could not."""
    _replicas(services, principal, app_name, replica)
    services.agent.status()


def follow_output(
    services: Services, principal: Principal, app_name: str, *, replica: str | None, tail: int
) -> Iterator[str]:
    """`line` events of every replica, also of those that start meanwhile; `end` when the one asked for, or the app, is
    gone and all of it was sent."""
    readers = _Readers(services.agent)
    until, next_look, last_sent = time.monotonic() + LIFETIME_S, 0.0, time.monotonic()
    gone = False
    try:
        while time.monotonic() < until and not services.followers.stopping():
            if time.monotonic() >= next_look and not gone:
                running, gone = _look(services, principal, app_name, replica)
                readers.read(running, tail)
                next_look = time.monotonic() + LOOK_S
            line = readers.next_line(timeout_s=0.5)
            if line is not None or time.monotonic() - last_sent > HEARTBEAT_S:
                last_sent = time.monotonic()
                yield event("line", json.dumps(line, ensure_ascii=False)) if line else HEARTBEAT
            elif gone and not readers.any_alive():
                yield event("end", "")
                return
    finally:
        readers.close()


def _replicas(services: Services, principal: Principal, app_name: str, replica: str | None) -> list[str]:
    with services.db.read(tenant_id=principal.tenant_id) as session:
        return readable_replicas(session, app_name, replica)


def _look(services: Services, principal: Principal, app_name: str, replica: str | None) -> tuple[list[str], bool]:
    """Whose output there is, and whether nothing can come to it any more. With SQL away, nobody new is there."""
    try:
        with services.db.read(tenant_id=principal.tenant_id) as session:
            found = readable_replicas(session, app_name, replica)
            return found, replica is not None and session.get_one(Replica, replica).ended_at is not None
    except NotFound:
        return [], True
    except DependencyUnavailable as error:
        log.warning("new replicas can't be looked for", extra={"app": app_name, "why": error.message})
        return [], False


class _Readers:
    """A thread for each replica's output, into one queue."""

    def __init__(self, agent: AgentClient) -> None:
        self._agent = agent
        self._queue: Queue[dict[str, str]] = Queue(_WAITING_MAX)
        self._closed = threading.Event()
        self._open: dict[str, Output] = {}
        self._threads: dict[str, threading.Thread] = {}
        self._last: dict[str, str] = {}
        """Replica → time of its last line."""

    def read(self, replicas: list[str], tail: int) -> None:
        """Read those that are not being read."""
        for replica in replicas:
            thread = self._threads.get(replica)
            if thread is None or not thread.is_alive():
                lines = tail if thread is None else _AGAIN_TAIL
                self._threads[replica] = threading.Thread(target=self._read, args=(replica, lines), daemon=True)
                self._threads[replica].start()

    def any_alive(self) -> bool:
        return any(thread.is_alive() for thread in self._threads.values())

    def next_line(self, *, timeout_s: float) -> dict[str, str] | None:
        try:
            return self._queue.get(timeout=timeout_s)
        except Empty:
            return None

    def close(self) -> None:
        self._closed.set()
        for output in list(self._open.values()):
            output.close()
        for thread in self._threads.values():
            thread.join(timeout=2)

    def _read(self, replica: str, tail: int) -> None:
        seen = self._last.get(replica, "")
        try:
            with self._agent.output(replica, tail=tail, follow=True) as output:
                self._open[replica] = output
                if self._closed.is_set():
                    return
                for line in output.lines():
                    if line.partition(" ")[0] > seen:
                        self._give(replica, line)
        except (DependencyUnavailable, NotFound) as error:
            log.debug("a replica's output broke off", extra={"replica": replica, "why": error.message})
        finally:
            self._open.pop(replica, None)

    def _give(self, replica: str, line: str) -> None:
        while not self._closed.is_set():
            try:
                self._queue.put({"replica": replica, "line": line}, timeout=0.5)
            except Full:
                continue
            self._last[replica] = line.partition(" ")[0]
            return
