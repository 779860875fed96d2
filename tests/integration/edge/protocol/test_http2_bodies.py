"""Bodies of HTTP/2, which need not say how long they are."""

from __future__ import annotations

import hashlib
import json
import os

import pytest
from edge_publisher import target
from edge_wire import wire_app

from tests.fixtures.waiting import eventually


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


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("has_length", [True, False], ids=["with a length", "without a length"])
def test_large_bodies_arrive_whole_on_many_streams(client, shop, has_length):
    bodies = [os.urandom(1 << 20) + bytes([number]) for number in range(4)]
    fields = [[("content-length", str(len(body)))] if has_length else [] for body in bodies]

    numbers = [
        client.begin(f"/{n}", "POST", headers=more, end=False) for n, more in enumerate(fields)
    ]  # all begun, then sent
    for number, body in zip(numbers, bodies, strict=True):
        client.send(number, body, end=True)

    assert [json.loads(client.read(number).body)["length"] for number in numbers] == [(1 << 20) + 1] * 4
    arrived = {seen.path: seen for seen in shop.record.requests}
    assert [digest(arrived[f"/{n}"].body) for n in range(4)] == [digest(body) for body in bodies]
    assert {seen.headers["content-length"] for seen in arrived.values()} == {str((1 << 20) + 1)}


def test_a_client_with_small_windows_gets_a_large_answer_whole(rig, secure):
    body = os.urandom(3 << 20)
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    with wire_app(answer) as app, secure.http2(window_bytes=1000) as client:
        rig.route("shop.localhost", target(app.port))
        assert digest(client.ask().body) == digest(body)


@pytest.mark.parametrize("method", ["POST", "GET"])
@pytest.mark.parametrize(
    ("size", "status"),
    [(0, 200), (1000, 200), (1001, 413), (3 << 20, 413)],
    ids=["none", "within", "above", "far above"],
)
def test_a_body_without_a_length_is_held_to_the_apps_limit(rig, client, backend, method, size, status):
    app = backend()
    rig.route("shop.localhost", target(app.port, "r-9"), max_body_bytes=1000)

    answer = client.ask("/x", method, b"x" * size)

    assert answer.status == status
    if status == 200:
        assert json.loads(answer.body)["length"] == size
        assert client.ask("/y", method, b"x" * size).status == 200
    else:
        assert json.loads(answer.body)["code"] == "body-too-large"
        assert app.record.requests == []
    eventually(lambda: rig.edge.status["inflight"] == {})


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "DELETE"])
@pytest.mark.parametrize(("size", "status"), [(1 << 16, 200), ((1 << 16) + 1, 413)], ids=["within", "above"])
def test_a_body_that_none_expects_never_reaches_the_disk(rig, client, shop, method, size, status):
    folder = rig.edge.settings.state_dir / "edge/tmp/body"
    before = folder.stat().st_mtime_ns, [path.stat().st_mtime_ns for path in folder.rglob("*")]

    assert client.ask("/x", method, b"x" * size).status == status

    assert [len(seen.body) for seen in shop.record.requests] == ([size] if status == 200 else [])
    after = folder.stat().st_mtime_ns, [path.stat().st_mtime_ns for path in folder.rglob("*")]
    assert before == after


def test_a_body_without_a_length_that_outlasts_its_target_goes_to_the_next(rig, client, shop, backend):
    number = client.begin("/x", "GET", end=False)
    client.send(number, b"x" * 1000)
    eventually(lambda: rig.edge.status["inflight"] == {"r-1": 1})
    rig.route("shop.localhost", target(backend("two").port, "r-2"))
    shop.stop()

    client.send(number, b"x" * 1000, end=True)

    assert json.loads(client.read(number).body) == {"backend": "two", "length": 2000}
    eventually(lambda: rig.edge.status["inflight"] == {})


def test_a_body_without_a_length_that_outlasts_the_policy_of_access_is_refused(rig, client, shop):
    """Its target is chosen before it is read."""
    number = client.begin("/x", "GET", end=False)
    client.send(number, b"x" * 1000)
    eventually(lambda: rig.edge.status["inflight"] == {"r-1": 1})
    rig.route("shop.localhost", target(shop.port, "r-1"), access="friends")

    client.send(number, b"x" * 1000, end=True)

    answer = client.read(number)
    assert (answer.status, json.loads(answer.body)["code"]) == (503, "service-unavailable")
    assert shop.record.requests == []
    eventually(lambda: rig.edge.status["inflight"] == {})
