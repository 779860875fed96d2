"""Probes of replicas, sent over the network, so that an image needs no curl.

That a port takes a connection says little: gunicorn listens before its workers have imported the app, and so does
whatever listens in a parent. So the default is a request, and any answer to it counts. A request that was taken waits
for its answer: one that is sent while the app is still imported is answered as soon as that is done.
"""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Protocol

from slipway.core.rollout.failure import ProbeCause, ProbeError
from slipway.core.rollout.probe_pace import NOT_PROBED, ProbePace

_CONNECT_S = 1.0
ANSWER_S = 5.0
"""A request that gets no whole answer in this time has failed, and is sent again."""
_HEAD_MAX_BYTES = 64 << 10
"""Of an answer's head, with interim answers before it."""
_STATUS_LINE = re.compile(rb"HTTP/\d(?:\.\d)? +(\d{3})(?=[ \r\n]|$)")
_END_OF_HEAD = re.compile(rb"\r?\n\r?\n")
_UPGRADES = 101
USER_AGENT = "slipway-probe"
"""What each probe names itself as, in an app's log."""


@dataclass(frozen=True, slots=True)
class Question:
    """What to ask a replica."""

    address: str
    port: int
    path: str | None
    host: str
    probe: str
    """A row of `PROBES`."""
    answer_s: float = ANSWER_S
    """How long one request may take until the head of its answer is whole."""

    @property
    def asked(self) -> str:
        """What is asked for."""
        return self.path or "/"

    def __str__(self) -> str:
        return f"TCP :{self.port}" if self.probe == "tcp" else f"GET :{self.port}{self.asked}"


class Prober(Protocol):
    def ask(
        self, question: Question, *, for_s: float, pace: ProbePace = NOT_PROBED
    ) -> tuple[ProbePace, ProbeError | None]:
        """Ask until it answers or `for_s` is over, at the pace that the probes before it came to: the pace now, and the
        last error (None: it answered)."""
        ...


class NetworkProber:
    """Asks the replica's own address. Redirects aren't followed."""

    def ask(
        self, question: Question, *, for_s: float, pace: ProbePace = NOT_PROBED
    ) -> tuple[ProbePace, ProbeError | None]:
        deadline = time.monotonic() + for_s
        while True:
            time.sleep(pace.pause_s)
            error = _error(question)
            pace = pace.after(error.cause if error else None)
            if error is None or time.monotonic() + pace.pause_s >= deadline:
                return pace, error


def _error(question: Question) -> ProbeError | None:
    try:
        with closing(_connected(question)) as connection:
            PROBES[question.probe](question, connection)
    except _Failed as failed:
        return ProbeError(failed.cause, f"{question} {failed.what}", failed.path, failed.status)
    except ConnectionRefusedError:
        return ProbeError(ProbeCause.REFUSED, f"{question} was refused")
    except TimeoutError:
        message = f"{question} got no connection within {_CONNECT_S:g} s"
        return ProbeError(ProbeCause.NO_CONNECTION, message)
    except OSError as error:
        message = f"{question} failed: {str(error) or type(error).__name__}"
        return ProbeError(ProbeCause.NO_CONNECTION, message)
    return None


class _Failed(Exception):
    """A connection was taken, and what followed was no good answer."""

    def __init__(self, cause: ProbeCause, what: str, path: str = "", status: int = 0) -> None:
        super().__init__(what)
        self.cause, self.what, self.path, self.status = cause, what, path, status


def _connected(question: Question) -> socket.socket:
    return socket.create_connection((question.address, question.port), timeout=_CONNECT_S)


def _accepts(_question: Question, _connection: socket.socket) -> None:
    """That the connection was taken is enough."""


def _answers(question: Question, connection: socket.socket) -> None:
    _status(question, connection)


def _answers_well(question: Question, connection: socket.socket) -> None:
    status = _status(question, connection)
    if not 200 <= status < 400:
        raise _Failed(ProbeCause.BAD_STATUS, f"answered {status}", question.asked, status)


PROBES: Mapping[str, Callable[[Question, socket.socket], None]] = {
    "tcp": _accepts,
    "http": _answers,
    "path": _answers_well,
}
"""How a replica shows that it is ready. Each raises `_Failed` when it does not."""


def _status(question: Question, connection: socket.socket) -> int:
    """The status of the answer. Raises `_Failed` when there is none."""
    deadline = time.monotonic() + question.answer_s
    try:
        connection.settimeout(question.answer_s)
        connection.sendall(_request(question))
        return _final_status(_received(connection, deadline))
    except TimeoutError as error:
        what = f"was accepted, but not answered within {question.answer_s:g} s"
        raise _Failed(ProbeCause.NO_ANSWER, what) from error
    except ConnectionError as error:
        raise _Failed(ProbeCause.CLOSED, "was accepted, and the connection closed without an answer") from error


def _received(connection: socket.socket, deadline: float) -> Iterator[bytes]:
    """What comes until the connection closes. One deadline holds for all of it, however it trickles in."""
    while (left_s := deadline - time.monotonic()) > 0:
        connection.settimeout(left_s)
        if not (received := connection.recv(4096)):
            return
        yield received
    raise TimeoutError


def _final_status(received: Iterator[bytes]) -> int:
    """The status of the first answer that is not an interim one (1xx), once its head is whole.

    Raises:
        _Failed: what comes is not HTTP, or too long for a head.
        ConnectionError: the connection closed before there was an answer.
    """
    head, size_bytes = bytearray(), 0
    for part in received:
        searched = max(0, len(head) - 3)
        head += part
        size_bytes += len(part)
        if not b"HTTP/".startswith(head[:5]):
            raise _not_http()
        while end := _END_OF_HEAD.search(head, searched):
            if _is_final(status := _status_of(head)):
                return status
            del head[: end.end()]
            searched = 0
        if size_bytes > _HEAD_MAX_BYTES:
            what = f"was answered with more than {_HEAD_MAX_BYTES >> 10} KiB of headers"
            raise _Failed(ProbeCause.HEAD_TOO_LONG, what)
    if head and _is_final(status := _status_of(head)):
        return status  # the connection closed where the head should have ended
    raise ConnectionError


def _not_http() -> _Failed:
    return _Failed(ProbeCause.NOT_HTTP, "was answered with something that is not HTTP")


def _is_final(status: int) -> bool:
    return status >= 200 or status == _UPGRADES


def _status_of(head: bytearray) -> int:
    found = _STATUS_LINE.match(head)
    if found is None:
        raise _not_http()
    return int(found[1])


def _request(question: Question) -> bytes:
    lines = (
        f"GET {question.asked} HTTP/1.1",
        f"Host: {question.host}",
        f"User-Agent: {USER_AGENT}",
        "Accept: */*",
        "Connection: close",
    )
    return ("\r\n".join(lines) + "\r\n\r\n").encode()
