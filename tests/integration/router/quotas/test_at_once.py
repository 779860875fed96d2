"""Calls that come at one time take no more than is left, on a database of each kind."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.api import Api, Caller, make_api
from tests.fixtures.releases import make_live


@pytest.fixture
def api(state_dir: Path, database_url: str, redis_url: str) -> Iterator[Api]:
    made = make_api(state_dir, database_url, redis_url)
    yield made
    made.services.db.dispose()
    made.services.redis.close()


def statuses(owner: Caller, calls: list[tuple[str, str, Any]]) -> list[int]:
    ready = threading.Barrier(len(calls))

    def call(method: str, path: str, body: Any) -> int:
        caller = Caller(owner.client.application.test_client(), owner.token)
        ready.wait(10)
        return caller.call(method, path, body).status_code

    with ThreadPoolExecutor(len(calls)) as pool:
        return sorted(pool.map(lambda each: call(*each), calls))


def test_of_six_apps_and_six_hosts_three_each_are_made(owner: Caller, quota: Any) -> None:
    owner.create_app()
    quota(apps=4, domains=3)
    apps: list[Any] = [
        ("POST", "/api/apps", {"name": f"app-{each}", "image": "registry.example/a:1"}) for each in range(6)
    ]
    hosts: list[Any] = [("POST", "/api/apps/hello/domains", {"host": f"h{each}.example.org"}) for each in range(6)]
    assert statuses(owner, apps + hosts) == [201] * 6 + [403] * 6
    used = {each["name"]: (each["used"], each["limit"]) for each in owner.get("/api/quota")["quotas"]}
    assert (used["apps"], used["domains"]) == ((4, 4), (3, 3))


def test_of_six_commands_as_many_begin_as_may(api: Api, owner: Caller, quota: Any) -> None:
    owner.create_app()
    make_live(api.services.db, "hello", settings={})
    used = {each["name"]: each["used"] for each in owner.get("/api/quota")["quotas"]}
    quota(replicas=used["replicas"] + 3)
    assert statuses(owner, [("POST", "/api/apps/hello/runs", {"command": ["true"]})] * 6) == [202] * 3 + [403] * 3
    assert len(owner.get("/api/apps/hello/runs")["runs"]) == 3
    quota(replicas=None)
    most = api.services.settings.runs_per_tenant - 3
    more: list[Any] = [("POST", "/api/apps/hello/runs", {"command": ["true"]})] * (most + 2)
    assert statuses(owner, more) == [202] * most + [429] * 2
