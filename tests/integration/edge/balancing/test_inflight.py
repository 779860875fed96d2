"""Requests under way, by target: what the agent waits for before it stops a replica."""

from __future__ import annotations

import concurrent.futures
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress

import pytest
from edge_clients import echo, open_socket
from edge_publisher import target

from tests.fixtures.waiting import eventually


@contextmanager
def silent_app() -> Iterator[int]:
    """Takes every connection and answers nothing; its port."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
    taken: list[socket.socket] = []

    def take() -> None:
        with suppress(OSError):
            while True:
                taken.append(listener.accept()[0])

    taking = threading.Thread(target=take)
    taking.start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        taking.join()
        for connection in (listener, *taken):
            connection.close()


@pytest.fixture
def shop(rig, backend):
    app = backend()
    rig.route("shop.localhost", target(app.port, "r-1"))
    return app


def counted(rig, expected):
    """In shared memory, and in Redis."""
    eventually(lambda: rig.edge.status["inflight"] == expected)
    eventually(lambda: rig.publisher.inflight() == expected)


def test_a_request_counts_until_it_is_answered(rig, shop):
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        asked = [pool.submit(rig.edge.ask, "shop.localhost", "/slow") for _ in range(3)]
        counted(rig, {"r-1": 3})
        shop.release.set()
        assert {answer.result().status for answer in asked} == {200}
    counted(rig, {})


def test_a_client_that_disconnects_is_counted_off(rig, shop):
    connection = rig.edge.raw(b"GET /slow HTTP/1.1\r\nHost: shop.localhost\r\n\r\n")
    counted(rig, {"r-1": 1})

    connection.close()

    counted(rig, {})


def test_a_websocket_counts_until_it_closes(rig, shop):
    with closing(open_socket(rig)) as connection:
        assert echo(connection, b"hello") == b"hello"
        counted(rig, {"r-1": 1})
    counted(rig, {})


def test_a_target_that_left_the_table_is_reported_until_its_last_request_ends(rig, shop, backend):
    connection = open_socket(rig)
    rig.route("shop.localhost", target(backend("two").port, "r-2"))

    counted(rig, {"r-1": 1})
    assert echo(connection, b"still there") == b"still there"
    connection.close()

    counted(rig, {})


def test_counts_follow_each_confirmation_soon(rig, shop):
    """The agent waits for one that is surely younger than the confirmation."""
    rig.route("shop.localhost", target(shop.port, "r-2"))
    confirmed_at = rig.publisher.confirmed_at()

    eventually(lambda: rig.publisher.counted_at() > confirmed_at + 0.3)
    assert time.time() < confirmed_at + 0.8


def test_the_time_of_the_count_moves_on_when_nothing_happens(rig):
    before = rig.publisher.counted_at()

    eventually(lambda: rig.publisher.counted_at() >= before + 1, within_s=3)


def test_a_killed_workers_requests_are_counted_off(rig, shop):
    connections = [open_socket(rig) for _ in range(6)]
    counted(rig, {"r-1": 6})

    rig.edge.kill(*rig.edge.status["workers"])

    counted(rig, {})
    for connection in connections:
        connection.close()


def test_an_exiting_workers_requests_still_count_after_a_reload(rig, shop):
    connection = open_socket(rig)
    old = set(rig.edge.status["workers"])
    rig.edge.reload()
    eventually(lambda: len(set(rig.edge.status["workers"]) - old) == 2)

    counted(rig, {"r-1": 1})
    assert echo(connection, b"hello") == b"hello"
    connection.close()

    counted(rig, {})
    eventually(lambda: not old & set(rig.edge.status["workers"]))


def test_thousands_of_targets_with_something_under_way_are_all_reported(rig):
    """At once, by a leader that begins anew: more than one call's arguments can hold."""
    count = 4200
    ids = [f"r-{number}" for number in range(count)]
    with silent_app() as port, ExitStack() as clients:
        rig.route("shop.localhost", *[target(port, id_) for id_ in ids])
        for _ in ids:
            clients.enter_context(closing(rig.edge.raw(b"GET / HTTP/1.1\r\nHost: shop.localhost\r\n\r\n")))
        counted(rig, dict.fromkeys(ids, 1))
        before = rig.edge.status["leader"]
        rig.edge.reload()
        eventually(lambda: rig.edge.status["leader"] not in (before, None))

        since = time.time()
        eventually(lambda: rig.publisher.counted_at() > since)
        assert rig.publisher.inflight() == dict.fromkeys(ids, 1)
    counted(rig, {})


def test_counts_of_an_edge_that_was_killed_are_replaced(rig, shop):
    connection = open_socket(rig)
    counted(rig, {"r-1": 1})

    rig.edge.process.send_signal(signal.SIGKILL)
    rig.edge.process.wait()
    connection.close()
    rig.edge.start()

    counted(rig, {})


def test_a_stream_passes_as_it_comes_and_counts(rig, shop):
    with closing(rig.edge.raw(b"GET /stream HTTP/1.1\r\nHost: shop.localhost\r\n\r\n")) as connection:
        stream = connection.makefile("rb")
        assert b"200" in stream.readline()
        for number in range(3):
            eventually(lambda wanted=b"data: one %d\n" % number: stream.readline() == wanted)
        counted(rig, {"r-1": 1})
        shop.release.set()
        eventually(lambda: stream.readline() == b"data: end\n")
    counted(rig, {})
