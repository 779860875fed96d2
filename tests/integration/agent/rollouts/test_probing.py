"""What counts as an answer of a replica, asked of real sockets."""

from __future__ import annotations

import select
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from builder.agent.rollout import probing
from builder.agent.rollout.probing import NetworkProber, Question
from slipway.core.rollout.failure import ProbeCause, ProbeError
from slipway.core.rollout.probe_pace import ProbePace

Behave = Callable[[socket.socket], None]


def says(answer: bytes) -> Behave:
    def behave(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(answer)

    return behave


def hangs_up(connection: socket.socket) -> None:
    connection.recv(4096)


def keeps_silent(connection: socket.socket) -> None:
    connection.recv(4096)
    connection.recv(1)  # until the other side has had enough


OK = says(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
NOT_FOUND = says(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
BROKEN = says(b"HTTP/1.1 500 -\r\n\r\n")
OLD = says(b"HTTP/1.0 302 Found\r\nLocation: /login\r\n\r\n")
IMAP = says(b"* OK IMAP4rev1 ready\r\n")
TLS = says(b"\x15\x03\x01\x00\x02\x02\x16")


def says_for_ever(first: bytes, again: bytes, pause_s: float = 0.0) -> Behave:
    def behave(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(first)
        with suppress(OSError):  # until the other side has had enough
            while True:
                connection.sendall(again)
                select.select([connection], [], [], pause_s)

    return behave


CONTINUES = says_for_ever(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.05)
DRIPS = says_for_ever(b"HTTP/1.1 200 OK\r\nX-Slow: ", b"a", 0.05)
FLOODS = says_for_ever(b"HTTP/1.1 200 OK\r\n", b"X-Header: value\r\n" * 512)
HINTS = says(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 204 -\r\n\r\n")
ONLY_CONTINUES = says(b"HTTP/1.1 100 Continue\r\n\r\n")
ENDS_EARLY = says(b"HTTP/1.0 200 OK\r\n")

ANSWER_S = 0.3


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as made:
        yield made


def serve(listener: socket.socket, behave: Behave) -> None:
    def run() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                behave(connection)

    threading.Thread(target=run, daemon=True).start()


def ask(
    listener: socket.socket, probe: str, *, for_s: float = 0, answer_s: float = ANSWER_S
) -> tuple[int, ProbeError | None]:
    port = listener.getsockname()[1]
    path = "/health" if probe == "path" else None
    question = Question("127.0.0.1", port, path, "shop.localhost", probe, answer_s)
    pace, error = NetworkProber().ask(question, for_s=for_s)
    return pace.tries, error


@pytest.mark.parametrize(
    ("behave", "probes"),
    [
        (OK, {"http", "path", "tcp"}),
        (OLD, {"http", "path", "tcp"}),
        (NOT_FOUND, {"http", "tcp"}),
        (BROKEN, {"http", "tcp"}),
        (IMAP, {"tcp"}),
        (TLS, {"tcp"}),
        (hangs_up, {"tcp"}),
        (keeps_silent, {"tcp"}),
        (HINTS, {"http", "path", "tcp"}),
        (ENDS_EARLY, {"http", "path", "tcp"}),
        (ONLY_CONTINUES, {"tcp"}),
        (FLOODS, {"tcp"}),
    ],
    ids=[
        *("200", "redirect", "404", "500", "other protocol", "TLS", "closed", "silent"),
        *("after interim answers", "closed within its head", "only interim answers", "endless headers"),
    ],
)
def test_what_is_an_answer(listener: socket.socket, behave: Behave, probes: set[str]) -> None:
    serve(listener, behave)
    assert {probe for probe in probing.PROBES if not ask(listener, probe)[1]} == probes


@pytest.mark.parametrize(
    ("behave", "cause", "words"),
    [
        (FLOODS, ProbeCause.HEAD_TOO_LONG, "/health was answered with more than 64 KiB of headers"),
        (BROKEN, ProbeCause.BAD_STATUS, "/health answered 500"),
        (IMAP, ProbeCause.NOT_HTTP, "/health was answered with something that is not HTTP"),
        (hangs_up, ProbeCause.CLOSED, "/health was accepted, and the connection closed without an answer"),
        (keeps_silent, ProbeCause.NO_ANSWER, "/health was accepted, but not answered within 0.3 s"),
    ],
    ids=["endless headers", "500", "other protocol", "closed", "silent"],
)
def test_the_error_says_how_far_the_probe_came(
    listener: socket.socket, behave: Behave, cause: ProbeCause, words: str
) -> None:
    serve(listener, behave)
    _, error = ask(listener, "path")
    assert error is not None
    assert (error.cause, error.message) == (cause, f"GET :{listener.getsockname()[1]}{words}")
    assert (error.path, error.status) == (("/health", 500) if cause is ProbeCause.BAD_STATUS else ("", 0))


@pytest.mark.parametrize("behave", [CONTINUES, DRIPS, FLOODS], ids=["100 for ever", "header drip", "endless headers"])
def test_no_answer_holds_a_probe_longer_than_its_deadline(listener: socket.socket, behave: Behave) -> None:
    serve(listener, behave)
    found: list[tuple[int, ProbeError | None]] = []
    asking = threading.Thread(target=lambda: found.append(ask(listener, "http")), daemon=True)
    asking.start()
    asking.join(10)
    assert not asking.is_alive()
    [(tries, error)] = found
    assert tries == 1
    assert error


def test_a_refused_connection_is_said_with_the_port(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    listener.close()
    question = Question("127.0.0.1", port, None, "shop.localhost", "http")
    _, error = NetworkProber().ask(question, for_s=0)
    assert error == ProbeError(ProbeCause.REFUSED, f"GET :{port}/ was refused")


def test_a_request_that_waits_in_the_backlog_is_answered_when_the_app_is_there(
    listener: socket.socket,
) -> None:
    """As of a server that listens while it still imports the app: one request, and no pause after it."""
    is_asked = threading.Event()
    found: list[tuple[int, ProbeError | None]] = []

    def probe() -> None:
        is_asked.set()
        found.append(ask(listener, "http", for_s=1, answer_s=30.0))

    asking = threading.Thread(target=probe)
    asking.start()
    is_asked.wait()
    assert found == []
    began = time.monotonic()
    serve(listener, OK)
    asking.join(20)
    assert found == [(1, None)]
    assert time.monotonic() - began < 20


def test_the_pause_goes_on_growing_where_the_last_second_ended(listener: socket.socket) -> None:
    """And every probe says who asks."""
    asked: list[bytes] = []

    def broken(connection: socket.socket) -> None:
        asked.append(connection.recv(4096))
        connection.sendall(b"HTTP/1.1 500 -\r\n\r\n")

    serve(listener, broken)
    pace = ProbePace()
    question = Question("127.0.0.1", listener.getsockname()[1], "/health", "shop.localhost", "path")
    for tries in (1, 2, 3):
        pace, error = NetworkProber().ask(question, for_s=0.01, pace=pace)
        assert (pace.tries, error and error.status) == (tries, 500)
    assert all(b"\r\nUser-Agent: slipway-probe\r\n" in request for request in asked)
