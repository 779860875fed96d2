"""gzip: text that an app did not compress itself, and nothing that it would harm."""

from __future__ import annotations

import gzip
import socket
import threading
import zlib
from contextlib import closing

import pytest
from edge_backend import UnixServer
from edge_publisher import target
from edge_wire import Arrived, wire_app

TEXT = b"word " * 1000
GZIP = {"Accept-Encoding": "gzip, deflate, br, zstd"}
COOKIE = {"Cookie": "mine=1"}


@pytest.fixture(scope="module")
def rig(watched_rig):
    return watched_rig


@pytest.fixture
def ask(rig):
    """What a client gets of an app that answers so."""

    def asked(headers: str = "", body: bytes = TEXT, status: str = "200 OK", method="GET", sent=GZIP, access="public"):
        head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode()
        with wire_app(head + body) as app:
            rig.route("shop.localhost", target(app.port), access=access)
            return rig.edge.ask("shop.localhost", method=method, headers=sent)

    return asked


def is_compressed(answer) -> bool:
    if answer.headers.get("content-encoding") != "gzip":
        return False
    assert gzip.decompress(answer.body) == TEXT
    assert len(answer.body) < len(TEXT) / 2
    return True


@pytest.mark.parametrize(
    "kind",
    ["text/html", "text/html; charset=utf-8", "text/plain", "text/css", "application/json", "application/javascript",
     "application/problem+json", "image/svg+xml", "application/x-ndjson", "APPLICATION/JSON"],
)  # fmt: skip
def test_text_is_compressed(ask, kind):
    answer = ask(f'Content-Type: {kind}\r\nETag: "v1"\r\nAccept-Ranges: bytes\r\n')

    assert is_compressed(answer)
    assert answer.headers["vary"] == "Accept-Encoding"
    assert answer.headers["etag"] == 'W/"v1"'  # it says the same, in other bytes
    assert "accept-ranges" not in answer.headers


@pytest.mark.parametrize(
    "kind", ["image/png", "video/mp4", "application/zip", "application/octet-stream", "font/woff2"]
)
def test_what_is_compressed_by_nature_is_not_compressed_again(ask, kind):
    answer = ask(f'Content-Type: {kind}\r\nETag: "v1"\r\nAccept-Ranges: bytes\r\n')

    assert (answer.body, answer.headers["etag"], answer.headers["accept-ranges"]) == (TEXT, '"v1"', "bytes")
    assert "vary" not in answer.headers


@pytest.mark.parametrize("accepted", ["", "identity", "br", "gzip;q=0", "deflate", "*;q=0"])
def test_a_client_that_takes_no_gzip_gets_none_and_caches_learn_of_it(ask, accepted):
    answer = ask("Content-Type: text/html\r\n", sent={"Accept-Encoding": accepted})

    assert answer.body == TEXT
    assert int(answer.headers["content-length"]) == len(TEXT)
    assert answer.headers["vary"] == "Accept-Encoding"


def test_what_an_app_compressed_is_left_as_it_is(ask):
    body = gzip.compress(TEXT * 10, 1)
    answer = ask('Content-Type: text/html\r\nContent-Encoding: gzip\r\nETag: "v1"\r\nVary: Accept-Encoding\r\n', body)

    assert (answer.body, answer.headers["etag"], answer.headers["vary"]) == (body, '"v1"', "Accept-Encoding")


def test_an_apps_own_vary_stays(ask):
    answer = ask("Content-Type: text/html\r\nVary: Cookie\r\n")

    assert set(answer.headers["vary"].split("\n")) == {"Cookie", "Accept-Encoding"}


@pytest.mark.parametrize("status", ["200 OK", "404 Not Found"])
@pytest.mark.parametrize(
    "said", ["no-transform", "public, No-Transform, max-age=1", "a\r\nCache-Control: no-transform"]
)
def test_an_app_that_forbids_it_is_heeded(ask, said, status):
    answer = ask(f'Content-Type: text/html\r\nCache-Control: {said}\r\nETag: "v1"\r\n', status=status)

    assert (answer.body, answer.headers["etag"]) == (TEXT, '"v1"')


@pytest.mark.parametrize("name", ["Content-Digest", "Repr-Digest", "Digest", "Content-MD5"])
def test_an_answer_with_a_digest_of_its_bytes_keeps_them(ask, name):
    answer = ask(f'Content-Type: text/html\r\n{name}: sha-256=:YWJj:\r\nETag: "v1"\r\n')

    assert (answer.body, answer.headers["etag"], answer.headers[name.lower()]) == (TEXT, '"v1"', "sha-256=:YWJj:")


def test_short_ones_are_not_worth_it(ask):
    assert ask("Content-Type: text/html\r\n", TEXT[:1000]).body == TEXT[:1000]


@pytest.mark.parametrize("status", ["206 Partial Content", "500 Internal Server Error", "201 Created"])
def test_only_whole_answers_are_compressed(ask, status):
    assert ask("Content-Type: text/html\r\nContent-Range: bytes 0-4999/9000\r\n", status=status).body == TEXT


def test_the_answer_to_head_has_the_apps_length(ask):
    answer = ask("Content-Type: text/html\r\n", method="HEAD", body=b"")

    assert "content-encoding" not in answer.headers
    assert answer.headers["content-length"] == "0"


def test_the_edges_own_page_is_compressed_whole(rig):
    plain = rig.edge.ask("nobody.localhost", headers={"Accept": "text/html"})
    packed = rig.edge.ask("nobody.localhost", headers={"Accept": "text/html", **GZIP})

    page = gzip.decompress(packed.body).decode()
    old, new = plain.headers["x-request-id"], packed.headers["x-request-id"]
    assert page == plain.body.decode().replace(old, new)


class TestOtherSites:
    """A page elsewhere that makes a browser ask with its cookies must learn nothing from how long answers are."""

    @pytest.mark.parametrize("site", ["cross-site", "same-site"])
    def test_what_another_site_causes_with_cookies_is_not_compressed(self, ask, site):
        assert not is_compressed(ask("Content-Type: text/html\r\n", sent={"Sec-Fetch-Site": site, **GZIP, **COOKIE}))

    @pytest.mark.parametrize(
        "sent",
        [
            {"Sec-Fetch-Site": "same-origin", **COOKIE},
            {"Sec-Fetch-Site": "none", **COOKIE},
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-User": "?1", **COOKIE},
            COOKIE,
        ],
        ids=["its own pages", "typed in", "without cookies", "a click", "not said"],
    )
    def test_everything_else_is(self, ask, sent):
        assert is_compressed(ask("Content-Type: text/html\r\n", sent={**GZIP, **sent}))


class Pieces:
    """An app that sends the next piece when the test lets it, so that a piece held back would never come."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.next = threading.Semaphore(0)
        self.pieces = [f"data: {number} {'x' * 20}\n\n".encode() for number in range(5)]

    def __call__(self, _: Arrived, connection: socket.socket) -> None:
        head = f"HTTP/1.1 200 OK\r\nContent-Type: {self.kind}\r\nTransfer-Encoding: chunked\r\n\r\n"
        connection.sendall(head.encode())
        for piece in self.pieces:
            assert self.next.acquire(timeout=10)
            connection.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
        connection.sendall(b"0\r\n\r\n")


@pytest.mark.parametrize(
    ("kind", "encoding"),
    [
        ("text/event-stream", None),
        ("text/event-stream; charset=utf-8", None),
        ("text/plain", "gzip"),
        ("application/x-ndjson", "gzip"),
    ],
)
def test_each_piece_arrives_before_the_next_is_sent(rig, kind, encoding):
    pieces = Pieces(kind)
    with wire_app(pieces) as app, closing(rig.edge.connect()) as connection:
        rig.route("shop.localhost", target(app.port))
        connection.request("GET", "/", headers={"Host": "shop.localhost", **GZIP})
        pieces.next.release()
        response = connection.getresponse()
        assert response.headers.get("Content-Encoding") == encoding
        unpack = zlib.decompressobj(16 + zlib.MAX_WBITS).decompress if encoding else bytes
        for number, piece in enumerate(pieces.pieces):
            got = b""
            while len(got) < len(piece):
                got += unpack(response.read1(65536))
            assert got == piece
            if number < len(pieces.pieces) - 1:
                pieces.next.release()


def test_a_websocket_is_not_compressed(rig, backend):
    rig.route("shop.localhost", target(backend().port))
    with closing(rig.edge.raw(b"")) as connection:
        connection.sendall(
            b"GET /socket HTTP/1.1\r\nHost: shop.localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Accept-Encoding: gzip\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        assert b"Content-Encoding" not in connection.recv(4096)
        connection.sendall(TEXT)
        assert connection.makefile("rb").read(len(TEXT)) == TEXT


def test_the_console_is_not_compressed(rig):
    server = UnixServer("router", rig.edge.settings.router_socket)
    try:
        assert rig.edge.ask("slipway.localhost", "/text", headers=GZIP).body == TEXT
    finally:
        server.stop()
