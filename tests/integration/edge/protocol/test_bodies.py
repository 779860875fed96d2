"""Bodies and what is said about them, from end to end: large ones, parts, none, early, late and cut off."""

from __future__ import annotations

import concurrent.futures
import hashlib
import itertools
import os
import re
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest
from edge_publisher import target
from edge_rig import read
from edge_wire import Arrived, WireApp, exchange, statuses, wire_app

from tests.fixtures.waiting import eventually

MIB = 1 << 20
LARGE = 300 * MIB
PIECE = os.urandom(MIB)
ASK = b"GET /x HTTP/1.1\r\nHost: shop.localhost\r\n"
CLOSE = b"Connection: close\r\n\r\n"
START = b"HTTP/1.1 200 OK\r\n"
WORKERS_MOST_BYTES = 64 * MIB


@pytest.fixture(scope="module")
def rig(watched_rig):
    return watched_rig


@pytest.fixture
def shop(rig):
    """An app that answers so; the route leads to it."""

    @contextmanager
    def started(answer, **more) -> Iterator[WireApp]:
        with wire_app(answer) as app:
            rig.route("shop.localhost", target(app.port), **more)
            yield app

    return started


def pieces(size: int) -> Iterator[bytes]:
    """Each differs, so that none can be lost or doubled."""
    for number in range(size // MIB):
        yield number.to_bytes(8, "big") + PIECE[8:]


def digest_of(parts) -> str:
    hashed = hashlib.sha256()
    for part in parts:
        hashed.update(part)
    return hashed.hexdigest()


LARGE_DIGEST = digest_of(pieces(LARGE))


def received(connection: socket.socket, size: int) -> Iterator[bytes]:
    while size and (part := connection.recv(min(size, MIB))):
        yield part
        size -= len(part)


class Digester:
    """An app that answers with the digest of a body that it never holds."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]

    def serve_one(self) -> dict[str, str]:
        connection, _ = self.listener.accept()
        with closing(connection):
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += connection.recv(1)
            length = int(re.search(rb"Content-Length: (\d+)", head)[1])
            found = digest_of(received(connection, length)).encode()
            connection.sendall(START + b"Content-Length: %d\r\n\r\n" % len(found) + found)
        return {"length": length}


def worker_bytes(rig) -> int:
    """What the edge's worker holds in memory of its own."""
    status = Path(f"/proc/{rig.edge.status['workers'][0]}/status").read_text()
    return int(re.search(r"RssAnon:\s+(\d+) kB", status)[1]) << 10


def buffered_files(rig) -> list[Path]:
    folder = rig.edge.settings.state_dir / "edge" / "tmp"
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize("chunked", [False, True], ids=["with a length", "chunked"])
def test_a_large_upload_arrives_whole_and_is_held_on_disk_not_in_memory(rig, chunked):
    app = Digester()
    rig.route("shop.localhost", target(app.port), max_body_bytes=LARGE)
    headers = {} if chunked else {"Content-Length": str(LARGE)}
    with concurrent.futures.ThreadPoolExecutor(1) as pool, closing(app.listener):
        served = pool.submit(app.serve_one)
        answer = rig.edge.ask("shop.localhost", "/", "PUT", headers, pieces(LARGE), encode_chunked=chunked)
        assert served.result() == {"length": LARGE}

    assert answer.body.decode() == LARGE_DIGEST
    assert worker_bytes(rig) < WORKERS_MOST_BYTES
    eventually(lambda: not buffered_files(rig))


def test_a_large_download_to_a_slow_client_is_held_back_not_held(rig, shop):
    sent = itertools.count()
    held = []

    def answer(_: Arrived, connection: socket.socket) -> None:
        connection.sendall(START + b"Content-Length: %d\r\n\r\n" % LARGE)
        for piece in pieces(LARGE):
            connection.sendall(piece)
            held.append(next(sent))

    with shop(answer), closing(rig.edge.raw(ASK + CLOSE)) as connection:
        assert head_of(connection).startswith(b"HTTP/1.1 200")
        before = -1
        while before != len(held):  # until the app can send no more
            before = len(held)
            with suppress(AssertionError):
                eventually(lambda seen=before: len(held) != seen, within_s=0.3)
        assert len(held) < LARGE // MIB // 2
        assert digest_of(received(connection, LARGE)) == LARGE_DIGEST

    assert worker_bytes(rig) < WORKERS_MOST_BYTES
    assert buffered_files(rig) == []


def head_of(connection: socket.socket) -> bytes:
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += connection.recv(1)
    return head


PARTIAL = {
    "one range": b"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 2-3/9\r\nContent-Length: 2\r\n\r\ncd",
    "ranges": (
        b"HTTP/1.1 206 Partial Content\r\nContent-Type: multipart/byteranges; boundary=B\r\nContent-Length: 33\r\n\r\n"
        b"--B\r\nContent-Range: bytes 0-1/9\r\n"
    ),
    "not satisfiable": b"HTTP/1.1 416 Range Not Satisfiable\r\nContent-Range: bytes */9\r\nContent-Length: 2\r\n\r\nno",
    "ignored": START + b'Accept-Ranges: bytes\r\nETag: "v2"\r\nContent-Length: 9\r\n\r\nabcdefghi',
}


@pytest.mark.parametrize("answer", list(PARTIAL.values()), ids=list(PARTIAL))
def test_ranges_are_the_apps_to_answer(rig, shop, answer):
    asked = b'Range: bytes=2-3\r\nIf-Range: "v1"\r\nAccept-Encoding: gzip\r\n'
    with shop(answer) as app:
        found = exchange(rig.edge, ASK + asked + CLOSE)

    received = app.arrived[0].headers
    assert (received["range"], received["if-range"]) == ("bytes=2-3", '"v1"')
    head, _, body = answer.partition(b"\r\n\r\n")
    assert found.endswith(b"\r\n\r\n" + body)
    assert all(line in found.split(b"\r\n") for line in head.split(b"\r\n"))


def test_conditions_are_the_apps_to_judge(rig, shop):
    """It says 200 although the tag matches: then it is 200."""
    date = b"Last-Modified: Tue, 24 Nov 2020 11:57:11 GMT\r\n"
    with shop(START + b'ETag: "v1"\r\n' + date + b"Content-Length: 2\r\n\r\nok") as app:
        asked = b'If-None-Match: "v1"\r\nIf-Modified-Since: Tue, 24 Nov 2020 11:57:11 GMT\r\nIf-Match: "v9"\r\n'
        assert statuses(exchange(rig.edge, ASK + asked + CLOSE)) == [200]

    assert {"if-none-match", "if-modified-since", "if-match"} <= set(app.arrived[0].headers)


BODILESS = {
    "204": (b"GET", b"HTTP/1.1 204 No Content\r\n\r\n"),
    "304": (b"GET", b'HTTP/1.1 304 Not Modified\r\nETag: "v1"\r\nContent-Length: 9\r\n\r\n'),
    "HEAD with a length": (b"HEAD", START + b"Content-Length: 12345\r\n\r\n"),
    "HEAD, chunked": (b"HEAD", START + b"Transfer-Encoding: chunked\r\n\r\n"),
    "an empty one": (b"GET", START + b"Content-Length: 0\r\n\r\n"),
}


@pytest.mark.parametrize(("method", "answer"), list(BODILESS.values()), ids=list(BODILESS))
def test_an_answer_without_a_body_leaves_the_connection_usable(rig, shop, method, answer):
    with shop(answer) as app:
        found = exchange(rig.edge, (ASK + b"\r\n" + ASK + CLOSE).replace(b"GET", method))

    assert len(statuses(found)) == 2
    assert found.endswith(b"\r\n\r\n")
    length = re.findall(rb"Content-Length: \d+", answer)
    assert re.findall(rb"Content-Length: \d+", found) == length * 2
    assert len(app.arrived) == 2


def test_an_answer_without_a_length_ends_with_the_apps_connection(rig, shop):
    def answer(_: Arrived, connection: socket.socket) -> None:
        connection.sendall(START + b"\r\n" + b"x" * 100_000)
        connection.shutdown(socket.SHUT_RDWR)

    with shop(answer), closing(rig.edge.connect()) as connection:
        for _ in range(2):  # the client's connection stays usable
            connection.request("GET", "/", headers={"Host": "shop.localhost"})
            assert read(connection).body == b"x" * 100_000


def test_trailers_end_at_the_edge_and_the_body_does_not(rig, shop):
    chunks = b"Trailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n"
    with shop(START + chunks):
        found = exchange(rig.edge, ASK + CLOSE)

    assert found.endswith(b"2\r\nok\r\n0\r\n\r\n")
    assert b"X-Sum" not in found


def test_idempotent_requests_share_a_connection_to_the_app_and_others_do_not(rig, shop):
    ports = []

    def answer(_: Arrived, connection: socket.socket) -> None:
        ports.append(connection.getpeername()[1])
        connection.sendall(START + b"Content-Length: 2\r\n\r\nok")

    with shop(answer):
        for method in ("GET", "GET", "PUT", "POST", "POST", "GET"):
            assert rig.edge.ask("shop.localhost", method=method).status == 200

    assert len({ports[0], ports[1], ports[2], ports[5]}) == 1
    assert len(set(ports)) == 3


def test_an_app_may_answer_before_it_read_the_body(rig, shop):
    """The edge has all of the body by then; the answer counts, not whether the app wants the rest."""
    listener = socket.create_server(("127.0.0.1", 0))
    rig.route("shop.localhost", target(listener.getsockname()[1]))

    def serve() -> int:
        connection, _ = listener.accept()
        with closing(connection):
            head_of(connection)
            connection.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
            connection.shutdown(socket.SHUT_WR)
            return len(list(received(connection, 64 * MIB)))

    with concurrent.futures.ThreadPoolExecutor(1) as pool, closing(listener):
        served = pool.submit(serve)
        answer = rig.edge.ask("shop.localhost", "/", "POST", body=b"x" * (8 * MIB))
        assert (answer.status, answer.body) == (413, b"no")
        served.result()


@pytest.mark.parametrize("status", [401, 200])
def test_who_awaits_a_continue_gets_the_apps_answer_after_the_body(rig, shop, status):
    head = b"POST /x HTTP/1.1\r\nHost: shop.localhost\r\nContent-Length: 4\r\nExpect: 100-continue\r\n"
    with (
        shop(b"HTTP/1.1 %d Said\r\nContent-Length: 2\r\n\r\nok" % status) as app,
        closing(rig.edge.raw(head + b"\r\n")) as connection,
    ):
        for _ in range(2):  # the connection stays usable
            assert head_of(connection) == b"HTTP/1.1 100 Continue\r\n\r\n"
            connection.sendall(b"body")
            assert head_of(connection).startswith(b"HTTP/1.1 %d " % status)
            assert connection.recv(2) == b"ok"
            connection.sendall(head + b"\r\n")

    assert [each.body for each in app.arrived] == [b"body", b"body"]
    assert "expect" not in app.arrived[0].headers


def test_an_upload_that_its_client_gives_up_reaches_no_app_and_leaves_nothing(rig, shop):
    with shop(START + b"Content-Length: 2\r\n\r\nok") as app:
        head = b"POST /x HTTP/1.1\r\nHost: shop.localhost\r\nContent-Length: 9000000\r\n\r\n"
        connection = rig.edge.raw(head + b"x" * 5_000_000)
        eventually(lambda: buffered_files(rig))
        connection.close()

        eventually(lambda: not buffered_files(rig))
        eventually(lambda: rig.edge.status["inflight"] == {})
        assert app.arrived == []
