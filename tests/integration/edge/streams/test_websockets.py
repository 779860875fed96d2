"""WebSockets through the edge behave as without it: the same conversation is held with the server itself and through
the edge, and all that its two ends saw is compared. Below that, bytes."""

from __future__ import annotations

import concurrent.futures
import hashlib
import json
import os
import socket
import subprocess
import sys
import threading
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from urllib.parse import quote

import pytest
from edge_publisher import target
from edge_tls import running_with_https
from edge_websockets import EchoServer, RawServer, Way, echo_server
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Frame, Opcode

from tests.fixtures.waiting import eventually

SIZES = [0, 1, 125, 126, 127, 65535, 65536, 1 << 20, 16 << 20]
CODES = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999]
REASONS = ["", "done", "ü" * 61]
OUR_OWN = {"date", "server", "x-request-id", "connection"}
WAYS = ["edge", "edge with TLS"]
SUITE = Path(__file__).with_name("websocket_client_suite.py")


@pytest.fixture(scope="module")
def secure(tmp_path_factory):
    with running_with_https(tmp_path_factory.mktemp("tls"), {"SLIPWAY_EDGE_WORKERS": "1"}) as made:
        yield made
        assert made.rig.edge.complaints == []


@pytest.fixture(scope="module")
def server():
    with echo_server() as made:
        yield made


@pytest.fixture
def ways(secure, server):
    secure.rig.route("shop.localhost", target(server.port))
    return Way(server.port), Way(secure.rig.edge.port)


def last_end(server: EchoServer, path: str):
    """What the server saw of its last connection, as soon as that has ended."""
    return eventually(lambda: server.ended and server.ended[-1][0] == path and server.ended[-1][1:])


def digest(message: str | bytes) -> tuple[str, int, str]:
    raw = message.encode() if isinstance(message, str) else message
    return type(message).__name__, len(message), hashlib.sha256(raw).hexdigest()


def echoes(way: Way, _: EchoServer, compression: str | None):
    received = []
    with way.connect(compression=compression) as connection:
        received.append(connection.response.headers.get("Sec-WebSocket-Extensions"))
        for size in SIZES:
            for message in ("é" * size if size < 1 << 20 else "e" * size, bytes(range(256)) * (size // 256 + 1)):
                connection.send(message[:size])
                received.append(digest(connection.recv(timeout=10)))
    return received


def parts_of_a_client(way: Way, _: EchoServer):
    with way.connect() as connection:
        pongs = []

        def parts():
            for part in ("one, ", "", "two, ", "three"):
                yield part
                pongs.append(connection.ping(b"between " + part.encode()))

        connection.send(parts())
        return connection.recv(timeout=10), [pong.wait(10) for pong in pongs]


def parts_of_a_server(way: Way, _: EchoServer):
    with way.connect("/fragments", compression=None) as connection:
        parts = list(connection.recv_streaming())
        connection.send("thanks")
    return parts


def pings(way: Way, _: EchoServer):
    with way.connect() as connection:
        answered = [connection.ping(payload).wait(10) for payload in (b"", b"x", os.urandom(125))]
        connection.pong(b"nobody asked")
        connection.send("still there")
        return answered, connection.recv(timeout=10)


def closed_by_the_client(way: Way, server: EchoServer):
    ends = []
    for code in CODES:
        for reason in REASONS:
            server.ended.clear()
            with way.connect() as connection:
                connection.close(code, reason)
            ends.append((connection.close_code, connection.close_reason, last_end(server, "/echo")))
    return ends


def closed_by_the_server(way: Way, server: EchoServer):
    ends = []
    for code in CODES:
        for reason in REASONS:
            server.ended.clear()
            path = f"/close/{code}/{quote(reason)}"
            with way.connect(path) as connection, pytest.raises(ConnectionClosed) as closed:
                connection.recv(timeout=10)
            ends.append((str(closed.value), last_end(server, path)))
    return ends


def gone_without_a_word(way: Way, _: EchoServer):
    with way.connect("/vanish") as connection:
        connection.send("go")
        with pytest.raises(ConnectionClosed) as closed:
            connection.recv(timeout=10)
    return type(closed.value), connection.close_code


def subprotocols(way: Way, _: EchoServer):
    chosen = []
    for offered in (["chat.v1"], ["other", "chat.v1", "chat.v2"], None):
        with way.connect(subprotocols=offered) as connection:
            chosen.append(connection.subprotocol)
    return chosen


def refusals(way: Way, _: EchoServer):
    seen = []
    for status in (400, 401, 403, 404, 426, 500, 503):
        with pytest.raises(InvalidStatus) as refused:
            way.connect(f"/refuse/{status}")
        response = refused.value.response
        headers = {name.lower(): value for name, value in response.headers.raw_items()}
        seen.append((response.status_code, {k: v for k, v in headers.items() if k not in OUR_OWN}, response.body))
    return seen


def many_small_ones(way: Way, _: EchoServer):
    with way.connect(compression=None) as connection:
        sender = threading.Thread(target=lambda: [connection.send(str(n)) for n in range(2000)])
        sender.start()
        received = [connection.recv(timeout=10) for _ in range(2000)]
        sender.join()
    return received


def many_at_once(way: Way, _: EchoServer):
    with ExitStack() as opened:
        connections = [opened.enter_context(way.connect()) for _ in range(30)]
        for number, connection in enumerate(connections):
            connection.send(f"I am {number}")
        return [connection.recv(timeout=10) for connection in reversed(connections)]


CONVERSATIONS = {
    "sizes": lambda way, server: echoes(way, server, None),
    "sizes, compressed": lambda way, server: echoes(way, server, "deflate"),
    "a client's message in parts": parts_of_a_client,
    "a server's message in parts": parts_of_a_server,
    "pings": pings,
    "closed by the client": closed_by_the_client,
    "closed by the server": closed_by_the_server,
    "gone without a word": gone_without_a_word,
    "subprotocols": subprotocols,
    "refusals": refusals,
    "many small ones": many_small_ones,
    "many at once": many_at_once,
}


@pytest.mark.parametrize("converse", list(CONVERSATIONS.values()), ids=list(CONVERSATIONS))
def test_both_ends_see_through_the_edge_what_they_see_without_it(ways, server, converse):
    direct, edge = ways

    assert converse(edge, server) == converse(direct, server)


def test_a_client_librarys_own_suite_passes_through_the_edge_as_without_it(secure, server):
    """It connects to a port of this machine, by its address."""
    secure.rig.route("127.0.0.1", target(server.port))

    def outcomes(port: int) -> dict[str, str]:
        ran = subprocess.run([sys.executable, SUITE, str(port)], capture_output=True, text=True, check=True, timeout=60)
        return json.loads(ran.stdout.splitlines()[-1])

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        edge, direct = pool.map(outcomes, (secure.rig.edge.port, server.port))

    assert edge == direct
    assert set(edge.values()) == {"passed"}
    assert len(edge) >= 5


def frame(opcode: int, payload: bytes = b"", first: int = 0x80, mask: bytes | None = b"mask") -> bytes:
    """Whatever the rules say."""
    head = bytes([first | opcode])
    masked = 0x80 if mask is not None else 0
    if len(payload) < 126:
        head += bytes([masked | len(payload)])
    else:
        head += bytes([masked | 126]) + len(payload).to_bytes(2, "big")
    if mask is None:
        return head + payload
    return head + mask + bytes(byte ^ mask[n % 4] for n, byte in enumerate(payload))


RAW = {
    "a good one": Frame(Opcode.TEXT, b"hello").serialize(mask=True),
    "reserved opcodes": b"".join(frame(opcode, b"x") for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)),
    "reserved bits": frame(1, b"x", first=0xF0),
    "not masked": frame(1, b"hello", mask=None),
    "a masked one of the wrong kind": frame(0, b"continues nothing"),
    "a ping of 126 bytes": frame(9, b"x" * 126),
    "a ping in parts": frame(9, b"x", first=0),
    "a close of one byte": frame(8, b"x"),
    "close codes that must not be sent": b"".join(
        frame(8, code.to_bytes(2, "big")) for code in (0, 999, 1005, 1006, 1015)
    ),
    "text that is no UTF-8": frame(1, b"\xff\xfe"),
    "a length of 2^63": b"\x82\xff" + (1 << 63).to_bytes(8, "big") + b"mask",
    "a length in more bytes than needed": b"\x82\xff" + (5).to_bytes(8, "big") + b"\0\0\0\0hello",
    "HTTP": b"GET / HTTP/1.1\r\nHost: other.localhost\r\n\r\n",
    "every byte": bytes(range(256)) * 4,
}


@pytest.fixture
def raw(secure):
    made = RawServer()
    secure.rig.route("shop.localhost", target(made.port))
    yield made
    made.close()


@pytest.fixture(params=WAYS)
def pair(request, secure, raw):
    """A client's and the server's end, hands shaken."""
    way = Way(secure.rig.edge.port) if request.param == "edge" else Way(secure.port, secure.certificate)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        accepted = pool.submit(raw.accept)
        client = way.raw()
        ends = client, accepted.result()
    yield ends
    for end in ends:
        end.close()


def read_all(connection: socket.socket) -> bytes:
    with connection.makefile("rb") as stream:
        return stream.read()


def read(connection: socket.socket, size: int) -> bytes:
    received = bytearray()
    while len(received) < size and (more := connection.recv(1 << 16)):
        received += more
    return bytes(received)


@pytest.mark.parametrize("data", list(RAW.values()), ids=list(RAW))
def test_frames_that_break_a_rule_reach_the_other_end_byte_by_byte(pair, data):
    client, server = pair
    client.sendall(data)
    assert read(server, len(data)) == data
    server.sendall(data)
    assert read(client, len(data)) == data


def test_who_says_no_more_hears_no_more(secure, raw):
    """nginx ends both halves; a WebSocket's ends close theirs by a frame. What was sent before arrives."""
    data = os.urandom(3 << 20)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        accepted = pool.submit(raw.accept)
        with closing(Way(secure.rig.edge.port).raw()) as client, closing(accepted.result()) as server:
            received = pool.submit(read_all, server)
            client.sendall(data)
            client.shutdown(socket.SHUT_WR)
            assert received.result() == data
            assert client.recv(1) == b""


def test_all_that_came_before_an_end_arrives(pair):
    client, server = pair
    data = os.urandom(3 << 20)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        received = pool.submit(read_all, server)
        client.sendall(data)
        client.close()
        assert hashlib.sha256(received.result()).digest() == hashlib.sha256(data).digest()


def test_the_servers_end_reaches_the_client_with_all_that_came_before(pair):
    client, server = pair
    data = os.urandom(3 << 20)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        received = pool.submit(read_all, client)
        server.sendall(data)
        server.close()
        assert hashlib.sha256(received.result()).digest() == hashlib.sha256(data).digest()


def send_until_held_back(connection: socket.socket, chunk: bytes, most: int) -> int:
    sent = 0
    with suppress(TimeoutError):
        while sent < most:
            sent += connection.send(chunk[sent % len(chunk) :])
    return sent


def test_a_reader_that_does_not_read_holds_the_writer_back(pair):
    client, server = pair
    size, most = 48 << 20, 32 << 20  # the kernel's buffers on the way hold up to 20 MB
    chunk = os.urandom(1 << 16)
    server.settimeout(0.3)
    sent = send_until_held_back(server, chunk, size)
    assert sent < most

    server.close()
    with closing(client.makefile("rb")) as stream:
        received = 0
        while more := stream.read(len(chunk)):
            assert more == chunk[: len(more)]
            received += len(more)
    assert received == sent
