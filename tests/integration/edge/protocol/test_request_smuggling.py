"""What clients send that two parsers could read in two ways: refused by the edge, or passed to the app in one way only.

Each row is sent raw, with an honest request behind it on the same connection. A refused row must end the connection, so
that nothing behind it is read as a request; a passed one must leave exactly the honest request.
"""

from __future__ import annotations

import json

import pytest
from edge_publisher import target
from edge_wire import AFTER, WireApp, exchange, statuses, wire_app

HOST = b"Host: shop.localhost\r\n"
BODY = b"body"
CHUNKED = b"4\r\nbody\r\n0\r\n\r\n"
HIDDEN = b"GET /hidden HTTP/1.1\r\nHost: shop.localhost\r\n\r\n"

# With the body "body" behind the headers.
LENGTHS = {
    "twice, different": (b"Content-Length: 4\r\nContent-Length: 5\r\n", 400),
    "twice, the same": (b"Content-Length: 4\r\nContent-Length: 4\r\n", 400),
    "a list": (b"Content-Length: 4, 4\r\n", 400),
    "plus": (b"Content-Length: +4\r\n", 400),
    "minus": (b"Content-Length: -4\r\n", 400),
    "hexadecimal": (b"Content-Length: 0x4\r\n", 400),
    "empty": (b"Content-Length:\r\n", 400),
    "a fraction": (b"Content-Length: 4.0\r\n", 400),
    "beyond 64 bits": (b"Content-Length: 18446744073709551620\r\n", 400),
    "a space inside": (b"Content-Length: 4 4\r\n", 400),
    "a tab before": (b"Content-Length:\t4\r\n", 400),
    "a vertical tab before": (b"Content-Length: \x0b4\r\n", 400),
    "a space before the colon": (b"Content-Length : 4\r\n", 400),
    "folded": (b"Content-Length:\r\n 4\r\n", 400),
    "with chunked": (b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", 400),
    "with chunked before": (b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", 400),
    "leading zeros": (b"Content-Length: 004\r\n", 200),
    "an underscored one too": (b"Content_Length: 9\r\nContent-Length: 4\r\n", 200),
}

# With the body as one chunk behind the headers.
ENCODINGS = {
    "plain": (b"Transfer-Encoding: chunked\r\n", 200),
    "upper case": (b"TRANSFER-ENCODING: CHUNKED\r\n", 200),
    "spaces round it": (b"Transfer-Encoding:   chunked \r\n", 200),
    "after a bare LF": (b"X: y\nTransfer-Encoding: chunked\r\n", 200),
    "xchunked": (b"Transfer-Encoding: xchunked\r\n", 501),
    "a tab before": (b"Transfer-Encoding:\tchunked\r\n", 501),
    "a tab behind": (b"Transfer-Encoding: chunked\t\r\n", 501),
    "a vertical tab before": (b"Transfer-Encoding: \x0bchunked\r\n", 501),
    "chunked, identity": (b"Transfer-Encoding: chunked, identity\r\n", 501),
    "identity, chunked": (b"Transfer-Encoding: identity, chunked\r\n", 501),
    "gzip, chunked": (b"Transfer-Encoding: gzip, chunked\r\n", 501),
    "identity": (b"Transfer-Encoding: identity\r\n", 501),
    "empty": (b"Transfer-Encoding:\r\n", 501),
    "quoted": (b'Transfer-Encoding: "chunked"\r\n', 501),
    "a parameter": (b"Transfer-Encoding: chunked;q=1\r\n", 501),
    "twice": (b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", 400),
    "twice, different": (b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", 400),
    "a space before the colon": (b"Transfer-Encoding : chunked\r\n", 400),
    "folded": (b"Transfer-Encoding:\r\n chunked\r\n", 400),
    "folded into another": (b"X: y\r\n Transfer-Encoding: chunked\r\n", 400),
    "a space before the name": (b" Transfer-Encoding: chunked\r\n", 400),
    "a null byte": (b"Transfer-Encoding: chun\0ked\r\n", 400),
    "a bare CR": (b"Transfer-Encoding: chunked\rX: y\r\n", 400),
}

# The body itself, of a chunked request.
CHUNKS = {
    "extension": (b"4;a=b\r\nbody\r\n0\r\n\r\n", 200),
    "extension ended by LF": (b"4;a\nbody\r\n0\r\n\r\n", 200),
    "extension with a quoted line end": (b'4;a="\r\n"\r\nbody\r\n0\r\n\r\n', 400),
    "a space behind the size": (b"4 \r\nbody\r\n0\r\n\r\n", 200),
    "a space before the size": (b" 4\r\nbody\r\n0\r\n\r\n", 400),
    "leading zeros": (b"0000000000000004\r\nbody\r\n0\r\n\r\n", 200),
    "bare LF": (b"4\nbody\n0\n\n", 200),
    "bare CR": (b"4\rbody\r0\r\r", 400),
    "0x": (b"0x4\r\nbody\r\n0\r\n\r\n", 400),
    "minus": (b"-4\r\nbody\r\n0\r\n\r\n", 400),
    "plus": (b"+4\r\nbody\r\n0\r\n\r\n", 400),
    "underscore": (b"1_0\r\n0123456789abcdef\r\n0\r\n\r\n", 400),
    "a wide digit": ("４\r\nbody\r\n0\r\n\r\n".encode(), 400),
    "no size": (b"\r\nbody\r\n0\r\n\r\n", 400),
    "no number": (b"g\r\nbody\r\n0\r\n\r\n", 400),
    "beyond 64 bits": (b"10000000000000004\r\nbody\r\n0\r\n\r\n", 400),
    "-1 in 64 bits": (b"ffffffffffffffff\r\nbody\r\n0\r\n\r\n", 400),
    "near the most of 63 bits": (b"7ffffffffffffff0\r\nbody\r\n0\r\n\r\n", 400),
    "more data than the size": (b"4\r\nbodyX\r\n0\r\n\r\n", 400),
    "trailers": (b"4\r\nbody\r\n0\r\nX-Forwarded-User: evil\r\nContent-Length: 9\r\n\r\n", 200),
}

# The request line, with the honest Host header behind it.
LINES = {
    "CONNECT": (b"CONNECT shop.localhost:80 HTTP/1.1\r\n", 400),
    "TRACE": (b"TRACE /x HTTP/1.1\r\n", 405),
    "lower-case method": (b"get /x HTTP/1.1\r\n", 400),
    "null byte in the method": (b"GE\0T /x HTTP/1.1\r\n", 400),
    "authority form": (b"GET shop.localhost:80 HTTP/1.1\r\n", 400),
    "asterisk form": (b"OPTIONS * HTTP/1.1\r\n", 400),
    "no path": (b"GET HTTP/1.1\r\n", 400),
    "a path that is a backslash": (b"GET \\x HTTP/1.1\r\n", 400),
    "tabs for spaces": (b"GET\t/x\tHTTP/1.1\r\n", 400),
    "a space before": (b" GET /x HTTP/1.1\r\n", 400),
    "a space in the path": (b"GET /x y HTTP/1.1\r\n", 400),
    "a second request in the path": (b"GET /x HTTP/1.1 HTTP/1.1\r\n", 400),
    "ended by CR": (b"GET /x HTTP/1.1\r", 400),
    "null byte in the path": (b"GET /x\0 HTTP/1.1\r\n", 400),
    "encoded null byte": (b"GET /x%00 HTTP/1.1\r\n", 400),
    "no hexadecimal digits": (b"GET /x%zz HTTP/1.1\r\n", 400),
    "a percent sign at the end": (b"GET /x% HTTP/1.1\r\n", 400),
    "above the root": (b"GET /../x HTTP/1.1\r\n", 400),
    "above the root, later": (b"GET /a/../../x HTTP/1.1\r\n", 400),
    "above the root, encoded": (b"GET /%2e%2e/x HTTP/1.1\r\n", 400),
    "absolute, with a user": (b"GET http://a@shop.localhost/x HTTP/1.1\r\n", 400),
    "absolute, without a host": (b"GET http:///x HTTP/1.1\r\n", 400),
    "file": (b"GET file:///etc/passwd HTTP/1.1\r\n", 400),
    "too long": (b"GET /" + b"a" * 17000 + b" HTTP/1.1\r\n", 414),
    "version 0.9, said": (b"GET /x HTTP/0.9\r\n", 400),
    "version 2.0": (b"GET /x HTTP/2.0\r\n", 505),
    "version 11": (b"GET /x HTTP/11\r\n", 505),
    "half a version": (b"GET /x HTTP/1.\r\n", 400),
    "three numbers": (b"GET /x HTTP/1.1.1\r\n", 400),
    "lower-case protocol": (b"GET /x http/1.1\r\n", 400),
    "another protocol": (b"GET /x ICY/1.1\r\n", 400),
    "the start of HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "the start of TLS": (b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03" + bytes(50) + b"\r\n", 400),
    "1000 headers of 64 KB": (
        b"GET /x HTTP/1.1\r\n" + b"".join(b"X-%d: %s\r\n" % (n, b"a" * 64) for n in range(1000)),
        400,
    ),
    "a header of 17 KB": (b"GET /x HTTP/1.1\r\nX-Own: " + b"a" * 17000 + b"\r\n", 400),
    "headers of 96 KB": (b"GET /x HTTP/1.1\r\n" + b"".join(b"X-%d: %s\r\n" % (n, b"a" * 8000) for n in range(12)), 400),
    "a header without a name": (b"GET /x HTTP/1.1\r\n: evil\r\n", 400),
    "null byte in a name": (b"GET /x HTTP/1.1\r\nX-Own\0: evil\r\n", 400),
    "null byte in a value": (b"GET /x HTTP/1.1\r\nX-Own: e\0vil\r\n", 400),
}

# What an app sees of request lines that pass. The path is what was sent: nothing in it chooses the app.
PASSED_LINES = {
    "two slashes": (b"GET //other.localhost/x HTTP/1.1\r\n", "//other.localhost/x"),
    "dots": (b"GET /./a/b/../c/. HTTP/1.1\r\n", "/./a/b/../c/."),
    "dots, encoded": (b"GET /a/b/%2e%2e/c HTTP/1.1\r\n", "/a/b/%2e%2e/c"),
    "slash, encoded": (b"GET /a%2f..%2Fb HTTP/1.1\r\n", "/a%2f..%2Fb"),
    "dots and a semicolon": (b"GET /a/..;/b HTTP/1.1\r\n", "/a/..;/b"),
    "backslashes": (b"GET /a\\..\\b HTTP/1.1\r\n", "/a\\..\\b"),
    "line end, encoded": (b"GET /x%0d%0aX-Forwarded-User:%20evil HTTP/1.1\r\n", "/x%0d%0aX-Forwarded-User:%20evil"),
    "null byte, encoded, in the query": (b"GET /x?a=%00 HTTP/1.1\r\n", "/x?a=%00"),
    "no ASCII": ("GET /é HTTP/1.1\r\n".encode(), "/Ã©"),  # a Latin-1 look at UTF-8
    "absolute": (b"GET http://shop.localhost/x HTTP/1.1\r\n", "/x"),
    "absolute, another port": (b"GET http://shop.localhost:81/x HTTP/1.1\r\n", "/x"),
    "absolute, without a path": (b"GET http://shop.localhost?x HTTP/1.1\r\n", "/?x"),
    "empty lines before": (b"\r\n\r\nGET /x HTTP/1.1\r\n", "/x"),
    "ended by LF": (b"GET /x HTTP/1.1\n", "/x"),
    "version 1.2": (b"GET /x HTTP/1.2\r\n", "/x"),
}

# Host headers: where they lead (a status), and what the app gets.
HOSTS = {
    "none": (b"", 400, None),
    "empty": (b"Host:\r\n", 400, None),
    "two": (b"Host: shop.localhost\r\nHost: other.localhost\r\n", 400, None),
    "two that are the same": (b"Host: shop.localhost\r\nHost: shop.localhost\r\n", 400, None),
    "a space before the colon": (b"Host : shop.localhost\r\n", 400, None),
    "two dots": (b"Host: shop.localhost..\r\n", 400, None),
    "a slash": (b"Host: shop.localhost/x\r\n", 400, None),
    "a space": (b"Host: shop.localhost other\r\n", 400, None),
    "a list": (b"Host: shop.localhost, other\r\n", 400, None),
    "a null byte": (b"Host: shop.localhost\0\r\n", 400, None),
    "a user": (b"Host: shop.localhost@other\r\n", 400, None),
    "a user before": (b"Host: other@shop.localhost\r\n", 400, None),
    "a user below a wildcard": (b"Host: other@x.wild.localhost\r\n", 400, None),
    "a semicolon": (b"Host: a;b\r\n", 400, None),
    "a star": (b"Host: *.wild.localhost\r\n", 400, None),
    "no ASCII": ("Host: shöp.localhost\r\n".encode(), 400, None),
    "no text": (b"Host: \xff\xfe.wild.localhost\r\n", 400, None),
    "wide letters": ("Host: ｓhop.localhost\r\n".encode(), 400, None),
    "encoded": (b"Host: shop%2elocalhost\r\n", 400, None),
    "a query": (b"Host: shop.localhost?x\r\n", 400, None),
    "a name that is nobody's": (b"Host: other_one.localhost\r\n", 404, None),
    "IPv4": (b"Host: 127.0.0.1\r\n", 404, None),
    "IPv6": (b"Host: [::1]:80\r\n", 404, None),
    "IPv6 with an empty port": (b"Host: [::1]:\r\n", 404, None),
    "IPv6 with a port that is none": (b"Host: [::1]:x\r\n", 400, None),
    "brackets": (b"Host: [shop.localhost]\r\n", 400, None),
    "a port": (b"Host: shop.localhost:81\r\n", 200, "shop.localhost:81"),
    "an empty port": (b"Host: shop.localhost:\r\n", 200, "shop.localhost"),
    "a port that is none": (b"Host: shop.localhost:other.example\r\n", 400, None),
    "a port with a sign": (b"Host: shop.localhost:+81\r\n", 400, None),
    "two ports": (b"Host: shop.localhost:81:82\r\n", 400, None),
    "a dot behind": (b"Host: shop.localhost.\r\n", 200, "shop.localhost"),
    "upper case": (b"Host: SHOP.localhost\r\n", 200, "shop.localhost"),
    "another said by a header": (b"Host: shop.localhost\r\nX-Forwarded-Host: other\r\n", 200, "shop.localhost"),
}

# Spellings of an identity header: none reaches the app as anything.
SPELLINGS = {
    "a space before the colon": (b"%s : evil\r\n", 400),
    "a tab before the colon": (b"%s\t: evil\r\n", 400),
    "a space before": (b" %s: evil\r\n", 400),
    "folded into another": (b"X-Own: a\r\n %s: evil\r\n", 400),
    "behind a bare CR": (b"X-Own: a\r%s: evil\r\n", 400),
    "a null byte behind": (b"%s\0: evil\r\n", 400),
    "behind a bare LF": (b"X-Own: a\n%s: evil\r\n", 200),
    "plain": (b"%s: evil\r\n", 200),
    "twice": (b"%s: evil\r\n%s: evil\r\n", 200),
    "without a colon": (b"%s\r\n", 200),
    "no ASCII behind": (b"%s\xa0: evil\r\n", 200),
}
IDENTITY = (b"X-Forwarded-User", b"X-Forwarded-Groups", b"X-Slipway-Identity")


@pytest.fixture(scope="module")
def rig(watched_rig):
    return watched_rig


@pytest.fixture(scope="module")
def routed():
    with wire_app() as app:
        yield app


@pytest.fixture
def app(rig, routed) -> WireApp:
    if "shop.localhost" not in rig.publisher.table:
        rig.route("shop.localhost", target(routed.port))
        rig.route("*.wild.localhost", target(routed.port))
    routed.arrived.clear()
    return routed


def table(rows):
    return pytest.mark.parametrize("row", list(rows.values()), ids=list(rows))


def answered(rig, app, data: bytes) -> list[int]:
    """Statuses of the answers to `data` and to the honest request behind it."""
    answer = exchange(rig.edge, data + AFTER)
    for request in app.arrived:
        request.assert_unambiguous()
    return statuses(answer)


def check(rig, app, data: bytes, status: int, body: bytes = b"") -> None:
    found = answered(rig, app, data)
    if status == 200:
        assert found == [200, 200]
        assert app.paths == ["/x", "/after"]
        assert app.arrived[0].body == body
    else:
        assert found == [status]
        assert app.arrived == []


@table(LENGTHS)
def test_a_content_length_has_one_meaning(rig, app, row):
    fields, status = row
    check(rig, app, b"POST /x HTTP/1.1\r\n" + HOST + fields + b"\r\n" + BODY, status, BODY)


@table(ENCODINGS)
def test_a_transfer_encoding_is_chunked_or_refused(rig, app, row):
    fields, status = row
    check(rig, app, b"POST /x HTTP/1.1\r\n" + HOST + fields + b"\r\n" + CHUNKED, status, BODY)


@table(CHUNKS)
def test_chunks_are_read_strictly_and_passed_on_as_a_length(rig, app, row):
    chunks, status = row
    check(rig, app, b"POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" + HOST + b"\r\n" + chunks, status, BODY)
    assert all("evil" not in str(request.headers) for request in app.arrived)


@table(LINES)
def test_a_request_that_breaks_a_rule_ends_the_connection(rig, app, row):
    line, status = row
    check(rig, app, line + HOST + b"\r\n", status)


@pytest.mark.parametrize("row", [LINES["TRACE"], LINES["version 2.0"], ENCODINGS["xchunked"], LINES["too long"]])
def test_a_refusal_says_that_the_client_is_at_fault(rig, app, row):
    line = row[0] if b" /" in row[0] else b"POST /x HTTP/1.1\r\n" + row[0]
    answer = exchange(rig.edge, line + HOST + b"\r\n")

    assert b'"code":"bad-request"' in answer
    assert b'"fault":"client"' in answer


@table(PASSED_LINES)
def test_a_path_reaches_the_routed_app_as_it_was_sent(rig, app, row):
    line, path = row
    assert answered(rig, app, line + HOST + b"\r\n") == [200, 200]
    assert app.paths == [path, "/after"]


@table(HOSTS)
def test_a_host_names_one_app_or_none(rig, app, row):
    fields, status, received = row
    found = answered(rig, app, b"GET /x HTTP/1.1\r\n" + fields + b"\r\n")

    assert found == ([status] if status == 400 else [status, 200])
    assert [each.headers["host"] for each in app.arrived if each.path == "/x"] == ([received] if received else [])


@pytest.mark.parametrize("path", ["/x", "/.slipway/signed-in", "/.well-known/acme-challenge/abcdefghijklmnop"])
@pytest.mark.parametrize("host", [b"\xff\xfe.localhost", b"user@x", b"a;b", b"shop.localhost:\xff"])
def test_a_problem_is_a_document_whatever_the_host_is_made_of(rig, app, host, path):
    answer = exchange(rig.edge, b"GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n" % (path.encode(), host))

    problem = json.loads(answer.partition(b"\r\n\r\n")[2].decode())
    assert (problem["fault"], problem["status"] in (400, 404)) == ("client", True)


@pytest.mark.parametrize("name", IDENTITY)
@table(SPELLINGS)
def test_an_identity_header_does_not_reach_an_app_in_any_spelling(rig, app, name, row):
    spelling, status = row
    fields = spelling.replace(b"%s", name)
    check(rig, app, b"GET /x HTTP/1.1\r\n" + HOST + fields + b"\r\n", status)
    assert "evil" not in str([request.headers for request in app.arrived])


@pytest.mark.parametrize("spelled", [b"X_%s", b"X.%s", b"X-%s_", b"X %s", b"%s-"])
def test_a_name_that_an_app_could_take_for_an_identity_header_is_dropped_or_refused(rig, app, spelled):
    fields = spelled.replace(b"%s", b"Forwarded_User") + b": evil\r\n"
    answered(rig, app, b"GET /x HTTP/1.1\r\n" + HOST + fields + b"\r\n")
    assert "evil" not in str([request.headers for request in app.arrived])


def test_the_host_of_an_absolute_uri_wins_over_the_header(rig, app):
    found = answered(rig, app, b"GET http://other.localhost/x HTTP/1.1\r\n" + HOST + b"\r\n")

    assert found == [404, 200]
    assert app.paths == ["/after"]


def test_a_connection_header_names_nothing_away_that_the_edge_sets(rig, app):
    fields = b"Connection: keep-alive, X-Forwarded-For, X-Real-IP, Host, X-Slipway-Identity, X-Own\r\nX-Own: kept\r\n"
    assert answered(rig, app, b"GET /x HTTP/1.1\r\n" + HOST + fields + b"\r\n") == [200, 200]

    received = app.arrived[0].headers
    assert (received["host"], received["x-real-ip"], received["x-forwarded-for"]) == (
        "shop.localhost",
        "127.0.0.1",
        "127.0.0.1",
    )
    assert received["x-own"] == "kept"
    assert "connection" not in received


def test_headers_between_two_neighbours_end_at_the_edge(rig, app):
    hop = (
        "Keep-Alive",
        "TE",
        "Trailer",
        "Proxy-Connection",
        "Proxy-Authorization",
        "Expect",
        "Upgrade",
        "HTTP2-Settings",
    )
    fields = b"".join(f"{name}: evil\r\n".encode() for name in hop)
    assert answered(rig, app, b"GET /x HTTP/1.1\r\n" + HOST + fields + b"\r\n") == [200, 200]

    assert "evil" not in str(app.arrived[0].headers)


def test_slipways_cookies_reach_no_app_from_whichever_header_of_them(rig, app):
    fields = b"Cookie: a=1\r\ncookie: __Host-slipway_session=evil; b=2\r\n" + b"Cookie: c=3\r\n" * 150
    fields += b"Cookie: __Host-slipway_csrf=evil\r\n"
    check(rig, app, b"GET /x HTTP/1.1\r\n" + HOST + fields + b"\r\n", 200)

    assert app.arrived[0].headers["cookie"].startswith("a=1; b=2; c=3")
    assert "evil" not in app.arrived[0].headers["cookie"]


@pytest.mark.parametrize(
    ("line", "fields"),
    [
        (b"GET /x HTTP/1.1\r\n", b"Upgrade: websocket\r\n"),
        (b"GET /x HTTP/1.1\r\n", b"Upgrade: websocket\r\nConnection: keep-alive\r\n"),
        (b"GET /x HTTP/1.1\r\n", b"Upgrade: websocket\r\nConnection: upgraded, x-upgrade\r\n"),
        (b"GET /x HTTP/1.0\r\n", b"Upgrade: websocket\r\nConnection: upgrade, keep-alive\r\n"),
        (b"POST /x HTTP/1.1\r\n", b"Upgrade: websocket\r\nConnection: upgrade\r\nContent-Length: 0\r\n"),
        (b"GET /x HTTP/1.1\r\n", b"Upgrade: websocket, h2c\r\nConnection: upgrade\r\n"),
    ],
    ids=["no Connection", "another", "similar", "HTTP/1.0", "POST", "a list"],
)
def test_an_upgrade_that_is_not_asked_for_properly_is_none(rig, app, line, fields):
    """RFC 9110, 7.8: such a header is ignored, and the request is one like any other."""
    assert answered(rig, app, line + HOST + fields + b"\r\n") == [200, 200]
    assert not {"upgrade", "connection"} & set(app.arrived[0].headers)


@pytest.mark.parametrize(
    "connection",
    [
        b"Connection: Upgrade\r\n",
        b"Connection: keep-alive, UPGRADE\r\n",
        b"Connection: close\r\nConnection: x,upgrade\r\n",
    ],
)
def test_an_upgrade_that_is_asked_for_arrives(rig, app, connection):
    answered(rig, app, b"GET /x HTTP/1.1\r\nUpgrade: WebSocket\r\n" + connection + HOST + b"\r\n")

    assert (app.arrived[0].headers["upgrade"], app.arrived[0].headers["connection"]) == ("websocket", "upgrade")


def test_h2c_is_not_upgraded(rig, app):
    fields = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n"
    check(rig, app, b"GET /x HTTP/1.1\r\n" + HOST + fields + b"\r\n", 200)

    assert not {"upgrade", "http2-settings"} & set(app.arrived[0].headers)


def test_a_body_that_looks_like_a_request_is_a_body(rig, app):
    length = b"Content-Length: %d\r\n" % len(HIDDEN)
    check(rig, app, b"GET /x HTTP/1.1\r\n" + HOST + length + b"\r\n" + HIDDEN, 200, HIDDEN)


def test_a_request_hidden_behind_an_underscored_encoding_is_read_by_nobody(rig, app):
    fields = b"Transfer_Encoding: chunked\r\nContent-Length: 0\r\n"
    found = answered(rig, app, b"POST /x HTTP/1.1\r\n" + HOST + fields + b"\r\n0\r\n\r\n" + HIDDEN)

    assert found == [200, 400]
    assert app.paths == ["/x"]


def test_pipelined_requests_are_answered_in_order(rig, app):
    asked = b"".join(b"GET /%d HTTP/1.1\r\n" % n + HOST + b"\r\n" for n in range(5))
    assert answered(rig, app, asked) == [200] * 6
    assert app.paths == ["/0", "/1", "/2", "/3", "/4", "/after"]


class TestExpect:
    def test_what_else_is_expected_is_ignored(self, rig, app):
        check(rig, app, b"GET /x HTTP/1.1\r\n" + HOST + b"Expect: 200-ok\r\n\r\n", 200)

    def test_twice_is_refused(self, rig, app):
        fields = b"Content-Length: 4\r\nExpect: 100-continue\r\nExpect: x\r\n"
        check(rig, app, b"POST /x HTTP/1.1\r\n" + HOST + fields + b"\r\n" + BODY, 400)
