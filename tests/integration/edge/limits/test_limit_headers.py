"""What every answer of an app with limits says of them, in both families of headers."""

from __future__ import annotations

from contextlib import closing

import pytest
from edge_limits import HEADERS, calls, check_headers, parallel
from edge_publisher import HOST, target
from edge_wire import wire_app


@pytest.mark.parametrize(
    ("path", "more", "status"),
    [
        ("/", {}, 200),
        ("/", {"method": "HEAD"}, 200),
        ("/", {"method": "OPTIONS"}, 200),
        ("/", {"method": "DELETE"}, 200),
        ("/", {"method": "POST", "body": b"x" * 100_000}, 200),
        ("/", {"method": "POST", "body": iter([b"x"]), "encode_chunked": True}, 200),
        ("/status/204", {}, 204),
        ("/status/302", {}, 302),
        ("/status/304", {}, 304),
        ("/status/404", {}, 404),
        ("/status/429", {}, 429),
        ("/fail", {}, 500),
        ("/die", {"method": "POST", "body": b"x"}, 502),
        ("/", {"method": "POST", "body": b"x" * 300_000}, 413),
        ("/", {"headers": {"Upgrade": "h2c"}}, 200),
    ],
)
def test_every_answer_has_the_headers(rig, backend, app_id, path, more, status):
    app = backend()
    rig.route(
        HOST, target(app.port), app=app_id, max_body_bytes=200_000, limits=[calls(app_id, 5), parallel(app_id, 9)]
    )
    answer = rig.edge.ask(HOST, path, **more)
    assert answer.status == status
    check_headers(answer)
    assert answer.headers["x-ratelimit-remaining"] == "4"


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"waiting": {"requests": 0}}, "no-ready-replica"),
        ({"stopped": "scaled-to-zero"}, "scaled-to-zero"),
        ({"stopped": "not-deployed"}, "not-deployed"),
    ],
)
def test_a_refusal_by_a_later_gate_has_them_too(rig, app_id, more, code):
    rig.route(HOST, app=app_id, limits=[calls(app_id)], **more)
    answer = rig.edge.ask(HOST)
    assert answer.json["code"] == code
    check_headers(answer)


def test_an_answer_that_is_no_http_is_replaced_with_them(rig, app_id):
    with wire_app(b"nonsense\r\n\r\n") as app:
        rig.route(HOST, target(app.port), app=app_id, limits=[calls(app_id)])
        answer = rig.edge.ask(HOST)
    assert answer.json["code"] == "broken-answer"
    check_headers(answer)


def test_a_websockets_handshake_has_them_and_counts(rig, backend, app_id):
    rig.route(HOST, target(backend().port), app=app_id, limits=[calls(app_id)])
    handshake = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Key": "x",
        "Sec-WebSocket-Version": "13",
    }
    with closing(rig.edge.connect()) as connection:
        connection.request("GET", "/socket", headers={"Host": HOST, **handshake})
        response = connection.getresponse()
        assert response.status == 101
        assert response.getheader("X-RateLimit-Remaining") == "2"
        assert response.getheader("RateLimit").startswith('"calls";r=2;t=')
        response.close()
    assert rig.edge.ask(HOST).headers["x-ratelimit-remaining"] == "1"


def test_what_an_app_says_of_limits_is_replaced_where_it_has_some_and_passes_where_not(rig, app_id):
    own = b"".join(b"%s: its own\r\n" % name.encode() for name in HEADERS)
    with wire_app(b"HTTP/1.1 200 OK\r\n" + own + b"Content-Length: 2\r\n\r\nok") as app:
        rig.route(HOST, target(app.port), app=app_id)
        assert {rig.edge.ask(HOST).headers[name] for name in HEADERS} == {"its own"}
        rig.route(HOST, target(app.port), app=app_id, limits=[calls(app_id)])
        check_headers(rig.edge.ask(HOST))
