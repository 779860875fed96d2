"""Clients that ask for much and take nothing, and calls that wait for somebody else's server."""

from __future__ import annotations

import socket
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from router.services import Services
from tests.fixtures.api import Api, Caller
from tests.fixtures.releases import make_live
from tests.fixtures.services.agent_server import running_agent
from tests.fixtures.services.router_server import RouterServer, running_router
from tests.fixtures.waiting import eventually

THREADS = 8


@pytest.fixture
def server(api: Api) -> Iterator[RouterServer]:
    with running_router(api.services.settings, WEB_THREADS=str(THREADS), STREAMS="1") as running:
        yield running


def unread_response(server: RouterServer, token: str, path: str) -> tuple[socket.socket, int]:
    """A connection whose response has started and is read no further, and the answer's status."""
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(20)
    connection.connect(str(server.settings.router_socket))
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: router\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
    return connection, int(connection.recv(64).split()[1])


@pytest.mark.parametrize("what", ["logs", "log"])
def test_texts_that_nobody_takes_hold_a_third_of_the_threads(
    api: Api, server: RouterServer, owner: Caller, stranger: Caller, what: str
) -> None:
    owner.create_app()
    stranger.create_app("theirs")
    number = make_live(api.services.db, "hello", ready=1)
    theirs = make_live(api.services.db, "theirs")
    lines = [f"2030-01-01T00:00:01Z {'x' * 60_000}"] * 60  # more than a socket's buffers take
    for line in lines:
        api.services.log.append(number, line)
    path = "/api/apps/hello/logs?tail=60" if what == "logs" else f"/api/deployments/{number}/log"
    with (
        running_agent(api.services.settings.agent_socket, {"r-1-1-0": lines}),
        server.client(stranger.token) as other,
        server.client(owner.token) as client,
    ):
        with ExitStack() as stalled:
            answers = [unread_response(server, owner.token, path) for _ in range(THREADS + 2)]
            for connection, _ in answers:
                stalled.enter_context(connection)
            assert Counter(status for _, status in answers) == {200: 2, 429: THREADS}
            refused = client.get(path)
            assert (refused.status_code, refused.headers["Retry-After"]) == (429, "5")
            assert refused.json()["code"] == "too-many-calls"
            assert client.get("/api/apps").status_code == 200
            assert other.get(f"/api/deployments/{theirs}/log").status_code == 200
        eventually(lambda: client.get(path).status_code == 200, what="the places are free")


def test_one_tenant_asks_for_two_branch_heads_at_a_time(
    api: Api, owner: Caller, stranger: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner.create_app()
    stranger.create_app("theirs")
    asked, may_end = threading.Semaphore(0), threading.Event()

    def hang(_self: object, _app_id: int) -> str:
        asked.release()
        may_end.wait(timeout=30)
        return "a" * 40

    services: Services = api.services
    monkeypatch.setattr(type(services.agent), "head", hang)

    def head(caller: Caller, app: str) -> int:
        client = api.client.application.test_client()
        headers = {"Authorization": f"Bearer {caller.token}"}
        return client.get(f"/api/apps/{app}/head", headers=headers).status_code

    with ThreadPoolExecutor(4) as pool:
        try:
            first = [pool.submit(head, owner, "hello") for _ in range(2)]
            assert all(asked.acquire(timeout=20) for _ in range(2))
            assert head(owner, "hello") == 429
            others = [pool.submit(head, stranger, "theirs") for _ in range(2)]
            assert all(asked.acquire(timeout=20) for _ in range(2))
        finally:
            may_end.set()
        assert [each.result() for each in (*first, *others)] == [200] * 4
