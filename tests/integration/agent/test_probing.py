"""What counts as an answer of a replica, asked of real sockets."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from builder.agent.rollout import probing
from builder.agent.rollout.probing import NetworkProber, Question

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


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probing, "_ANSWER_S", 0.3)


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


def ask(listener: socket.socket, probe: str, *, for_s: float = 0) -> tuple[int, str]:
    port = listener.getsockname()[1]
    path = "/health" if probe == "path" else None
    return NetworkProber().ask(Question("127.0.0.1", port, path, "shop.localhost", probe), for_s=for_s)


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
    ],
    ids=["200", "redirect", "404", "500", "other protocol", "TLS", "closed", "silent"],
)
def test_what_is_an_answer(listener: socket.socket, behave: Behave, probes: set[str]) -> None:
    serve(listener, behave)
    assert {probe for probe in probing.PROBES if not ask(listener, probe)[1]} == probes


@pytest.mark.parametrize(
    ("behave", "told"),
    [
        (BROKEN, "/health answered 500"),
        (IMAP, "/health was answered with something that is not HTTP"),
        (hangs_up, "/health was accepted, and the connection closed without an answer"),
        (keeps_silent, "/health was accepted, but not answered within 0.3 s"),
    ],
    ids=["500", "other protocol", "closed", "silent"],
)
def test_the_error_says_how_far_the_probe_came(listener: socket.socket, behave: Behave, told: str) -> None:
    serve(listener, behave)
    assert ask(listener, "path")[1] == f"GET :{listener.getsockname()[1]}{told}"


def test_that_nothing_listens_is_said_with_the_port(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    listener.close()
    question = Question("127.0.0.1", port, None, "shop.localhost", "http")
    _, error = NetworkProber().ask(question, for_s=0)
    assert error == f"GET :{port}/ was refused: nothing listens on port {port}"


def test_a_request_that_waits_in_the_backlog_is_answered_when_the_app_is_there(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of a server that listens while it still imports the app: one request, and no pause after it."""
    monkeypatch.setattr(probing, "_ANSWER_S", 30.0)
    is_asked = threading.Event()
    found: list[tuple[int, str]] = []

    def probe() -> None:
        is_asked.set()
        found.append(ask(listener, "http", for_s=1))

    asking = threading.Thread(target=probe)
    asking.start()
    is_asked.wait()
    assert found == []
    began = time.monotonic()
    serve(listener, OK)
    asking.join(20)
    assert found == [(1, "")]
    assert time.monotonic() - began < 20
