"""A call of the Docker Engine that can be broken off at any moment, also while it has not answered yet.

The Engine stops a pull when its client disconnects: a worker that is killed stops its pull, too.
"""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

from slipway.errors import DependencyUnavailable

POLL_S = 0.1
CONNECT_TIMEOUT_S = 10.0
Watch = Callable[[], BaseException | None]
"""Called several times a second: returns the reason to break off, if there is one."""


class Answer:
    """The Engine's response, as it comes. Raises `DependencyUnavailable` when the connection is lost meanwhile."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self._response = response
        self.status = response.status

    def lines(self) -> Iterator[bytes]:
        with _reachable():
            yield from self._response

    def document(self) -> Any:
        """None for an empty answer."""
        with _reachable():
            body = self._response.read()
        return json.loads(body) if body else None


class EngineCalls:
    """Calls of the Engine at `url` (`unix://…` or `tcp://…`), on a connection each."""

    def __init__(self, url: str) -> None:
        self._url = url

    @contextmanager
    def answer(
        self, method: str, target: str, *, watch: Watch, headers: Mapping[str, str] | None = None
    ) -> Iterator[Answer]:
        """One call.

        Raises:
            DependencyUnavailable: the Engine does not answer.
            BaseException: what `watch` said.
        """
        connection = _Connection(self._url)
        try:
            with _watched(connection, watch):
                with _reachable():
                    connection.request(method, target, headers=dict(headers or {}))
                    response = connection.getresponse()
                with response:
                    yield Answer(response)
        finally:
            connection.close()

    def ask(
        self, method: str, target: str, *, watch: Watch, headers: Mapping[str, str] | None = None
    ) -> tuple[int, Any]:
        """Status and document of a short answer; None for an empty one."""
        with self.answer(method, target, watch=watch, headers=headers) as answer:
            return answer.status, answer.document()


@contextmanager
def _reachable() -> Iterator[None]:
    try:
        yield
    except (OSError, http.client.HTTPException) as error:
        raise DependencyUnavailable(
            "The Docker Engine does not answer.", remedy="start it: systemctl start docker"
        ) from error


class _Connection(http.client.HTTPConnection):
    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        super().__init__(parts.hostname or "localhost", parts.port or 2375, timeout=CONNECT_TIMEOUT_S)
        self._path = parts.path if parts.scheme == "unix" else ""
        self._opened: socket.socket | None = None

    def connect(self) -> None:
        if self._path:
            self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.sock.settimeout(CONNECT_TIMEOUT_S)
            self.sock.connect(self._path)
        else:
            super().connect()
        self.sock.settimeout(None)  # how long an answer may take is the watch's to say
        self._opened = self.sock  # http.client lets go of it once the answer's head is there

    def break_off(self) -> None:
        if self._opened:
            with suppress(OSError):
                self._opened.shutdown(socket.SHUT_RDWR)


@contextmanager
def _watched(connection: _Connection, watch: Watch) -> Iterator[None]:
    """Break the connection off when `watch` says so; what it said is raised instead of what that looks like here."""
    reasons: list[BaseException] = []
    ended = threading.Event()

    def check() -> None:
        while not ended.wait(POLL_S):
            if reason := watch():
                reasons.append(reason)
                connection.break_off()
                return

    watcher = threading.Thread(target=check, name="watch a call", daemon=True)
    watcher.start()
    try:
        yield
    except Exception:  # a connection that was broken off may look like anything
        if not reasons:
            raise
    finally:
        ended.set()
        watcher.join()
    if reasons:
        raise reasons[0]


def first_of(*watches: Watch) -> Watch:
    """All of them as one."""

    def check() -> BaseException | None:
        return next((reason for each in watches if (reason := each())), None)

    return check


def within(timeout_s: float, late: Callable[[], BaseException]) -> Watch:
    """Breaks off after `timeout_s` from now."""
    deadline = time.monotonic() + timeout_s
    return lambda: late() if time.monotonic() > deadline else None


def every(interval_s: float, watch: Watch) -> Watch:
    """Calls `watch` only so often."""
    next_check = 0.0

    def check() -> BaseException | None:
        nonlocal next_check
        if time.monotonic() < next_check:
            return None
        next_check = time.monotonic() + interval_s
        return watch()

    return check
