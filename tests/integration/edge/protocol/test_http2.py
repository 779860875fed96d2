"""HTTPS with the operator's certificate, and HTTP/2 on it: the same rules as on the plain listener."""

from __future__ import annotations

import base64
import json
import os
import socket
import ssl
from collections import Counter
from contextlib import closing, suppress

import pytest
from edge_backend import UnixServer
from edge_limits import calls, check_headers
from edge_publisher import target
from edge_tls import SecureRig
from edge_wire import wire_app
from h2.exceptions import ProtocolError
from usage_reader import UsageReader

from tests.fixtures.waiting import eventually

DROPPED = ["x-forwarded-user", "x_forwarded_user", "x-slipway-identity", "te", "connection", "keep-alive", "expect",
           "proxy-connection", "http2-settings"]  # fmt: skip


@pytest.fixture
def rig(secure):
    return secure.rig


@pytest.fixture
def shop(rig, backend):
    app = backend()
    rig.route("shop.localhost", target(app.port, "r-1"))
    return app


@pytest.fixture
def client(secure):
    with secure.http2() as made:
        yield made


@pytest.mark.parametrize("name", DROPPED)
def test_what_an_app_never_gets_it_does_not_get_by_http2_either(client, shop, name):
    assert client.ask("/x", headers=[(name, "evil"), ("x-own", "kept")]).status == 200

    received = shop.record.requests[0].headers
    assert "evil" not in received.values()
    assert received["x-own"] == "kept"


def test_what_limits_say_is_headers_of_their_own(client, rig, backend, app_id):
    rig.route("shop.localhost", target(backend().port, "r-1"), app=app_id, limits=[calls(app_id)])
    answer = client.ask()
    assert answer.status == 200
    check_headers(answer)


def test_an_app_learns_host_scheme_and_request_id(client, shop):
    answer = client.ask("/a%2Fb//c?x=1", host="SHOP.localhost:8443")

    seen = shop.record.requests[0]
    received = seen.headers
    assert seen.path == "/a%2Fb//c?x=1"
    assert received["host"] == received["x-forwarded-host"] == "shop.localhost:8443"
    assert received["x-forwarded-proto"] == "https"
    assert received["x-request-id"] == answer.headers["x-request-id"]


def test_cookies_that_come_one_by_one_are_one_and_ours_is_left_out(client, shop):
    client.ask("/x", headers=[("cookie", "a=1"), ("cookie", "__Host-slipway_session=s"), ("cookie", "b=2")])

    assert shop.record.requests[0].headers["cookie"] == "a=1; b=2"


@pytest.fixture
def router(rig):
    server = UnixServer("router", rig.edge.settings.router_socket)
    yield server
    server.stop()


def test_one_connection_reaches_every_host_that_the_certificate_names(rig, client, shop, backend, router):
    blog = backend("two")
    rig.route("blog.localhost", target(blog.port))

    names = [json.loads(client.ask(host=host).body)["backend"] for host in ("shop.localhost", "blog.localhost")]

    assert names == ["one", "two"]
    assert json.loads(client.ask(host="slipway.localhost").body)["backend"] == "router"
    assert client.ask(host="nobody.localhost").status == 404


def test_streams_of_one_connection_are_answered_side_by_side(rig, client, shop):
    slow = [client.begin("/slow") for _ in range(20)]
    eventually(lambda: rig.edge.status["inflight"] == {"r-1": 20})

    assert client.ask("/").status == 200
    shop.release.set()
    assert {client.read(number).status for number in slow} == {200}
    assert len({client.streams[number].headers["x-request-id"] for number in slow}) == 20
    eventually(lambda: rig.edge.status["inflight"] == {})


def test_a_stream_that_its_client_ends_is_counted_off(rig, client, shop):
    number = client.begin("/slow")
    eventually(lambda: rig.edge.status["inflight"] == {"r-1": 1})

    client.abort(number)

    eventually(lambda: rig.edge.status["inflight"] == {})
    assert client.ask("/").status == 200


def test_a_stream_that_ends_while_it_waits_waits_no_longer(rig, client):
    rig.route("shop.localhost", waiting={"timeout_s": 30})
    number = client.begin("/")
    eventually(lambda: rig.edge.status["waiting"] == {"1": 1})

    client.abort(number)

    eventually(lambda: rig.edge.status["waiting"] == {})


def test_a_connection_that_is_cut_counts_all_its_streams_off(rig, secure, shop):
    client = secure.http2()
    for _ in range(5):
        client.begin("/slow")
    eventually(lambda: rig.edge.status["inflight"] == {"r-1": 5})

    client.close()

    eventually(lambda: rig.edge.status["inflight"] == {})


def test_a_client_that_begins_streams_and_ends_them_at_once_is_sent_away(rig, client, shop):
    """Otherwise one connection could make an app work as much as it likes (CVE-2023-44487)."""
    opened = 0
    with suppress(ConnectionError, ssl.SSLError, ProtocolError):
        while not client.is_gone and opened < 3000:
            client.abort(client.begin("/"))
            opened += 1
            client.poll()

    assert opened < 3000
    eventually(lambda: rig.edge.status["inflight"] == {})


def test_events_pass_as_they_come(rig, client, shop):
    number = client.begin("/stream", headers=[("accept", "text/event-stream")])
    assert client.read(number, at_least=len(b"data: one 0\n\n" * 3)).body.startswith(b"data: one 0\n\ndata: one 1\n\n")
    eventually(lambda: rig.publisher.streams() == {"r-1": 1})

    shop.release.set()

    assert client.read(number).body.endswith(b"data: end\n\n")


def test_every_request_is_counted_once_and_logged(rig, client, shop):
    reader = UsageReader(rig.redis.client)
    rig.route("shop.localhost", target(shop.port, "r-1"), app="h2-used")
    for path in ("/", "/status/404", "/status/500"):
        client.ask(path)
    client.ask("/", "POST", b"x" * 5000)  # starts over, for its body
    last = client.ask("/", "POST", b"x" * 5000, headers=[("content-length", "5000")])

    eventually(lambda: reader.requests("h2-used") == 5)
    used = reader.used["h2-used"]
    assert Counter({name: used[name] for name in ("2xx", "4xx", "5xx")}) == {"2xx": 3, "4xx": 1, "5xx": 1}
    assert used["bytes_in"] > 10000
    assert used["bytes_out"] > 5 * 31
    log = rig.edge.settings.log_dir / "edge-access.log"
    eventually(lambda: last.headers["x-request-id"] in log.read_text())
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    logged = [line for line in lines if line["app"] == "h2-used"]
    assert [(line["method"], line["status"]) for line in logged] == [
        ("GET", 200),
        ("GET", 404),
        ("GET", 500),
        ("POST", 200),
        ("POST", 200),
    ]
    assert len({line["request_id"] for line in logged}) == 5


def test_an_apps_headers_for_http1_do_not_break_http2(rig, client):
    answer = b"HTTP/1.1 200 OK\r\nUpgrade: h2,h2c\r\nConnection: Upgrade, Keep-Alive\r\nKeep-Alive: timeout=5\r\n"
    with wire_app(answer + b"Content-Length: 2\r\n\r\nok") as app:
        rig.route("shop.localhost", target(app.port))

        found = client.ask()

    assert (found.status, found.body) == (200, b"ok")
    assert not {"upgrade", "connection", "keep-alive"} & set(found.headers)


def test_a_request_that_tries_a_target_that_failed_goes_on_elsewhere(rig, client, backend):
    bad, good = backend("bad"), backend("good")
    bad.behaviour = "fail"
    targets = [target(bad.port), target(good.port)]
    rig.route("shop.localhost", *targets, ejection={"failures": 1, "pause_s": 0.01, "most_s": 0.01})
    eventually(lambda: client.ask(method="POST").status == 500)

    def tried_three_times():
        assert client.ask().status == 200
        return len(bad.record.requests) >= 4

    eventually(tried_three_times)


@pytest.mark.parametrize("answer", [b"HTTP/1.1 103 Early Hints\r\n\r\n", b"no HTTP at all\r\n\r\n"])
def test_an_answer_that_is_none_is_502(rig, client, answer):
    with wire_app(answer) as app:
        rig.route("shop.localhost", target(app.port))

        found = client.ask()

    assert (found.status, json.loads(found.body)["code"]) == (502, "broken-answer")


def test_websockets_work_on_the_same_listener(rig, secure: SecureRig, shop):
    key = base64.b64encode(os.urandom(16)).decode()
    with closing(secure.connect("http/1.1")) as connection:
        connection.sendall(
            f"GET /socket HTTP/1.1\r\nHost: shop.localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
        )
        assert connection.recv(4096).startswith(b"HTTP/1.1 101")
        connection.sendall(b"hello")
        assert connection.recv(4096) == b"hello"
    assert shop.record.requests[0].headers["x-forwarded-proto"] == "https"


def test_plain_http_on_the_secure_port_is_the_clients_fault(rig, secure):
    with closing(socket.create_connection(("127.0.0.1", secure.port), timeout=5)) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: shop.localhost\r\n\r\n")
        assert connection.makefile("rb").read().startswith(b"HTTP/1.1 400")
