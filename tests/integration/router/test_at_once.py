"""Many at once want the same: one gets it, the others are refused, on both databases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.fixtures.api import REPOSITORY, Api, Caller, make_api

CALLERS = 6


@pytest.fixture
def api(state_dir: Path, database_url: str, redis_url: str) -> Iterator[Api]:
    made = make_api(state_dir, database_url, redis_url)
    yield made
    made.services.db.dispose()
    made.services.redis.close()


def _at_once(api: Api, token: str, call: Callable[[Caller, int], int]) -> Counter[int]:
    callers = [Caller(api.client.application.test_client(), token) for _ in range(CALLERS)]
    with ThreadPoolExecutor(CALLERS) as pool:
        return Counter(pool.map(call, callers, range(CALLERS)))


def test_one_gets_the_name_the_host_the_hook_and_the_token(api: Api, owner: Caller) -> None:
    def app(caller: Caller, _: int) -> int:
        return caller.call("POST", "/api/apps", {"name": "hello", "repository": REPOSITORY}).status_code

    def host(caller: Caller, number: int) -> int:
        path = f"/api/apps/app-{number}/domains"
        return caller.call("POST", path, {"host": "shop.example.org"}).status_code

    def hook(caller: Caller, _: int) -> int:
        return caller.call("POST", "/api/hooks", {"repository": REPOSITORY}).status_code

    def token(caller: Caller, _: int) -> int:
        return caller.call("POST", "/api/tokens", {"name": "ci"}).status_code

    for number in range(CALLERS):
        owner.create_app(f"app-{number}")
    for call in (app, host, hook, token):
        assert _at_once(api, owner.token, call) == {201: 1, 409: CALLERS - 1}, call.__name__


def test_the_same_key_at_once_is_one_deployment(api: Api, owner: Caller) -> None:
    owner.create_app()

    def deploy(caller: Caller, _: int) -> int:
        return int(caller.post("/api/apps/hello/deployments", Idempotency_Key="once")["id"])

    assert list(_at_once(api, owner.token, deploy).values()) == [CALLERS]
    assert len(owner.get("/api/apps/hello/deployments")["deployments"]) == 1


def test_variables_that_are_set_at_once_are_all_there(api: Api, owner: Caller) -> None:
    owner.create_app()

    def put(caller: Caller, number: int) -> int:
        body = {"set": {f"OWN_{number}": "1", "SHARED": str(number)}}
        return caller.call("PATCH", "/api/apps/hello/variables", body).status_code

    assert _at_once(api, owner.token, put) == {200: CALLERS}
    assert len(owner.get("/api/apps/hello/variables")["variables"]) == CALLERS + 1


def test_two_tenants_with_one_name_get_a_host_each(api: Api, owner: Caller, stranger: Caller) -> None:
    assert owner.create_app("shop")["urls"] == ["http://shop.localhost:8080/"]
    assert stranger.create_app("shop")["urls"] == ["http://shop-globex.localhost:8080/"]
    assert stranger.post("/api/apps/shop/deployments")["state"] == "queued"
