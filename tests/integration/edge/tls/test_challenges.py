"""What authorities ask at /.well-known/acme-challenge/ is answered by the edge alone, for one host alone."""

from __future__ import annotations

import http.client
from collections.abc import Iterator

import pytest
from edge_backend import Server
from edge_publisher import target
from edge_rig import Answer, Rig, running

SHOP, CONSOLE = "shop.example.org", "slipway.localhost"
TOKEN = "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA"
PATH = f"/.well-known/acme-challenge/{TOKEN}"
ANSWER = f"{TOKEN}.nP1qzpXGymHBrUEepNY9HCsQk7K8KhOypzEt62jcerQ"


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    with running({"SLIPWAY_EDGE_WORKERS": "1"}) as made:
        yield made
        assert made.edge.complaints == []


@pytest.fixture
def app(rig: Rig) -> Iterator[Server]:
    server = Server("one", 0)
    rig.route(SHOP, target(server.port))
    rig.route("evil.example.org", target(server.port))
    yield server
    server.stop()


@pytest.fixture(autouse=True)
def waiting(rig: Rig, app: Server) -> None:
    put(rig, SHOP)


def put(rig: Rig, host: str, token: str = TOKEN, answer: str = ANSWER) -> None:
    rig.redis.client.set(f"slipway:acme:challenges:{token}", f"{host} {answer}", ex=600)


def refused(answer: Answer, app: Server, status: int = 404) -> bool:
    """By the edge, which asked no app."""
    return answer.status == status and ANSWER.encode() not in answer.body and app.record.requests == []


def test_it_is_answered_before_any_app(rig: Rig, app: Server) -> None:
    answer = rig.edge.ask(SHOP, PATH)

    assert (answer.status, answer.body) == (200, ANSWER.encode())
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["cache-control"] == "no-store"
    assert app.record.requests == []


def test_it_needs_no_route_of_the_host(rig: Rig) -> None:
    put(rig, "new.example.org")
    assert rig.edge.ask("new.example.org", PATH).body == ANSWER.encode()
    put(rig, "192.0.2.1")
    assert rig.edge.ask("192.0.2.1", PATH).body == ANSWER.encode()
    put(rig, "2001:db8::1")
    assert rig.edge.ask("[2001:db8::1]:80", PATH).body == ANSWER.encode()


def test_it_is_answered_at_the_consoles_host_too(rig: Rig) -> None:
    put(rig, CONSOLE)
    assert rig.edge.ask(CONSOLE, PATH).body == ANSWER.encode()


def test_the_host_is_compared_without_its_case_and_port(rig: Rig) -> None:
    assert rig.edge.ask("SHOP.example.org:80", PATH).body == ANSWER.encode()


@pytest.mark.parametrize("host", ["evil.example.org", "www.shop.example.org", CONSOLE, "nobody.example.org"])
def test_another_hosts_token_is_not_there(rig: Rig, app: Server, host: str) -> None:
    assert refused(rig.edge.ask(host, PATH), app)


@pytest.mark.parametrize(
    "path",
    [
        "/.well-known/acme-challenge/",
        "/.well-known/acme-challenge/short",
        "/.well-known/acme-challenge/" + "a" * 129,
        "/.well-known/acme-challenge/" + "a" * 8000,
        "/.well-known/acme-challenge/nothing-is-known-of-this-one",
        f"{PATH}/",
        f"{PATH}/more",
        f"{PATH}.txt",
        f"{PATH}%0d%0a",
        f"/.well-known/acme-challenge/*{TOKEN}",
        f"/.well-known%2facme-challenge%2f{TOKEN}%20",
    ],
)
def test_nothing_else_is_below_it_and_no_app_is_asked(rig: Rig, app: Server, path: str) -> None:
    assert refused(rig.edge.ask(SHOP, path), app)


@pytest.mark.parametrize(
    "path", [f"//.well-known///acme-challenge/{TOKEN}", f"/x/../.well-known/acme-challenge/{TOKEN}"]
)
def test_other_spellings_are_the_same_path(rig: Rig, app: Server, path: str) -> None:
    assert rig.edge.ask(SHOP, path).body == ANSWER.encode()
    assert app.record.requests == []


@pytest.mark.parametrize(
    "path", ["/.well-known/acme-challenge", "/.well-known/security.txt", "/.well-known/acme-challenge/..%2Fx"]
)
def test_what_is_beside_it_is_the_apps(rig: Rig, app: Server, path: str) -> None:
    assert rig.edge.ask(SHOP, path).status == 200
    assert len(app.record.requests) == 1


def test_head_has_the_length_alone(rig: Rig) -> None:
    answer = rig.edge.ask(SHOP, PATH, "HEAD")
    assert (answer.status, answer.body, answer.headers["content-length"]) == (200, b"", str(len(ANSWER)))


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PURGE"])
def test_nothing_is_written_there(rig: Rig, app: Server, method: str) -> None:
    assert refused(rig.edge.ask(SHOP, PATH, method, body=b"mine" if method != "OPTIONS" else None), app, 405)


@pytest.mark.parametrize("stored", ["", "shop.example.org", "shop.example.org a b", f"{SHOP} {'a' * 2000}"])
def test_what_is_not_whole_is_no_answer(rig: Rig, app: Server, stored: str) -> None:
    rig.redis.client.set(f"slipway:acme:challenges:{TOKEN}", stored)
    answer = rig.edge.ask(SHOP, PATH)
    assert answer.status == 404 or len(answer.body) < 1024
    assert app.record.requests == []


def test_what_is_no_text_is_no_answer(rig: Rig, app: Server) -> None:
    rig.redis.client.delete(f"slipway:acme:challenges:{TOKEN}")
    rig.redis.client.lpush(f"slipway:acme:challenges:{TOKEN}", f"{SHOP} {ANSWER}")
    assert refused(rig.edge.ask(SHOP, PATH), app, 503)
    rig.redis.client.delete(f"slipway:acme:challenges:{TOKEN}")


def test_without_redis_it_says_so_and_asks_no_app(rig: Rig, app: Server) -> None:
    rig.redis.stop()
    try:
        assert refused(rig.edge.ask(SHOP, PATH), app, 503)
    finally:
        rig.redis.start()


def test_many_at_once_leave_the_edge_answering(rig: Rig) -> None:
    connections: list[http.client.HTTPConnection] = []
    for _ in range(200):
        connection = rig.edge.connect()
        connection.request("GET", f"/.well-known/acme-challenge/{'b' * 43}", headers={"Host": SHOP})
        connections.append(connection)
    statuses = set()
    for connection in connections:
        with connection.getresponse() as response:
            statuses.add(response.status)
        connection.close()
    assert statuses <= {404, 503}
    assert rig.edge.ask(SHOP, PATH).body == ANSWER.encode()
