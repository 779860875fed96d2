"""Requests that somebody tries from the console, at a real edge: who answered is said to the router alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
from edge_backend import Server
from edge_publisher import HOST, target
from edge_rig import Rig, running, short_folder

from slipway.adapters import edge_secrets, vault
from slipway.adapters.edge_client import APP_S, ASKING, EDGE_S, TARGET, EdgeClient, Where, mark
from slipway.core.routing.tried_request import read

GET = read("GET", "/", "", "")


@pytest.fixture(scope="module")
def key() -> str:
    return "a secret of router and edge"


@pytest.fixture(scope="module")
def rig(key: str) -> Iterator[Rig]:
    with running({"SLIPWAY_TRUSTED_PROXIES": "127.0.0.1"}, lua={"tried_secret": key}) as made:
        yield made
        assert made.edge.complaints == []


@pytest.fixture
def client(rig: Rig, key: str, monkeypatch: pytest.MonkeyPatch) -> EdgeClient:
    monkeypatch.setattr(edge_secrets, "derived", lambda *_: key)
    return EdgeClient(rig.edge.settings)


def test_the_router_learns_which_target_answered_and_the_app_nothing_of_it(
    rig: Rig, client: EdgeClient, backend: Callable[..., Server]
) -> None:
    server = backend("one")
    rig.route(HOST, target(server.port, "shop-web-1"))
    for request in (GET, read("POST", "/a", "Content-Type: text/plain", "body")):
        answer = client.send(Where("http", HOST), request, timeout_s=10)
        assert (answer.status, answer.replica) == (200, "shop-web-1")
        assert answer.app_s is not None
        assert answer.edge_s is not None
        assert answer.total_s >= answer.first_byte_s > 0
    seen = server.record.requests[-1]
    assert (seen.method, seen.body) == ("POST", b"body")
    assert not any("slipway" in name for name in seen.headers)


def test_nobody_else_learns_it(rig: Rig, key: str, backend: Callable[..., Server]) -> None:
    rig.route(HOST, target(backend("one").port, "shop-web-1"))
    soon, past = str(int(time.time()) + 60), str(int(time.time()) - 1)
    forged = (
        *("", "1", "x.y", f"{soon}.", f"{soon}.{mark('guessed', soon, HOST)}", f"{past}.{mark(key, past, HOST)}"),
        *(f"{soon}.{mark(key, soon, 'other.localhost')}", f"{soon}.{mark(key, soon, HOST)}x", f"9{soon}.a"),
    )
    for value in forged:
        answer = rig.edge.ask(HOST, headers={ASKING: value})
        assert not {TARGET.lower(), APP_S.lower(), EDGE_S.lower()} & answer.headers.keys(), value
    good = rig.edge.ask(HOST, headers={ASKING: f"{soon}.{mark(key, soon, HOST)}"})
    assert good.headers[TARGET.lower()] == "shop-web-1"


def test_the_edges_own_answer_names_no_target(rig: Rig, client: EdgeClient) -> None:
    answer = client.send(Where("http", "nobody.localhost"), GET, timeout_s=10)
    assert (answer.status, answer.replica, answer.app_s) == (404, "", None)


def test_router_and_edge_derive_the_same_secret() -> None:
    with short_folder() as folder:
        vault.create_key_file(folder / vault.VALUES)
        found = {edge_secrets.derived(folder, each) for each in (edge_secrets.TRIED_REQUESTS, edge_secrets.LIMITS)}
        assert found == {
            edge_secrets.derived(folder, each) for each in (edge_secrets.TRIED_REQUESTS, edge_secrets.LIMITS)
        }
        assert len(found) == 2
