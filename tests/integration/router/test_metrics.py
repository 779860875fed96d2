"""What edges counted, where hosts lead, and what replicas use, each of one tenant alone."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import Any

import pytest

from router.app import create_app
from slipway.adapters.redis import work_queue
from slipway.models import App, Deployment, Edge, Release, Replica, Target, now
from tests.fixtures.api import Api, Caller
from tests.fixtures.releases import add_replica, make_live
from tests.fixtures.services.agent_server import running_agent


@pytest.fixture
def app_id(api: Api, owner: Caller) -> int:
    """Of `hello`, which has two replicas: r-…-0 and r-…-1."""
    owner.create_app()
    make_live(api.services.db, "hello", ready=2)
    return _app_id(api, "hello")


def _app_id(api: Api, name: str) -> int:
    with api.services.db.read(platform="a test's app") as session:
        return session.query(App.id).filter_by(name=name).scalar()


def register(api: Api, *edges: str) -> None:
    with api.services.db.write(platform="a test's edges") as session:
        session.add_all(Edge(id=edge) for edge in edges)


def tell(api: Api, edge: str, apps: dict[int, dict[str, Any]], age_s: float = 0) -> None:
    """As an edge does."""
    at = time.time() - age_s
    plain = {"requests": [0] * 5, "bytes_in": 0, "bytes_out": 0, "duration_ms": 0, "requests_per_s": 0}
    fields = {str(app_id): json.dumps(plain | values) for app_id, values in apps.items()}
    api.services.redis.hset(f"slipway:edges:metrics:{edge}", mapping={"at": at, "since": at - 60, "boot": "b"} | fields)


def test_counts_are_summed_over_the_edges(api: Api, viewer: Caller, app_id: int) -> None:
    register(api, "edge-1", "edge-2")
    values = {"requests": [0, 10, 1, 2, 3], "bytes_in": 100, "bytes_out": 900, "duration_ms": 1500}
    tell(api, "edge-1", {app_id: values | {"requests_per_s": 1.5, "latency": [0, 0, 0, 8, *[0] * 11]}})
    tell(api, "edge-2", {app_id: values | {"requests_per_s": 2, "latency": [0, 0, 0, 0, 1, 0, 0, 1, *[0] * 7]}})
    counted = {"at": time.time(), f"r-{app_id}-1-0": 2, "r-of-somebody-else": 7}
    api.services.redis.hset("slipway:edges:inflight:edge-1", mapping=counted)

    metrics = viewer.get("/api/metrics")

    assert [(each["id"], each["fresh"]) for each in metrics["edges"]] == [("edge-1", True), ("edge-2", True)]
    assert metrics["apps"] == [
        {
            "app": "hello",
            "requests": 32,
            "by_class": {"1xx": 0, "2xx": 20, "3xx": 2, "4xx": 4, "5xx": 6},
            "bytes_in": 200,
            "bytes_out": 1800,
            "duration_s": 3.0,
            "latency_ms": {"p50": 8.1, "p95": 175.0, "p99": 235.0},
            "requests_per_s": 3.5,
            "inflight": 2,
        }
    ]


def test_a_silent_edge_counts_with_what_it_reported_and_without_its_rate(api: Api, viewer: Caller, app_id: int) -> None:
    register(api, "edge-1", "edge-2", "edge-3")
    tell(api, "edge-1", {app_id: {"requests": [0, 1, 0, 0, 0], "requests_per_s": 1}})
    tell(api, "edge-2", {app_id: {"requests": [0, 5, 0, 0, 0], "requests_per_s": 9}}, age_s=60)
    api.services.redis.hset("slipway:edges:inflight:edge-2", mapping={"at": time.time() - 60, f"r-{app_id}-1-0": 2})

    metrics = viewer.get("/api/metrics")

    assert [each["fresh"] for each in metrics["edges"]] == [True, False, False]
    assert metrics["edges"][2]["counted_at"] is None
    (hello,) = metrics["apps"]
    assert (hello["requests"], hello["requests_per_s"], hello["inflight"]) == (6, 1, 0)


def test_an_edge_that_is_not_registered_does_not_count(api: Api, viewer: Caller, app_id: int) -> None:
    tell(api, "edge-9", {app_id: {"requests": [0, 5, 0, 0, 0]}})

    assert viewer.get("/api/metrics")["apps"][0]["requests"] == 0


def test_another_tenants_apps_are_neither_counted_nor_mapped(api: Api, stranger: Caller, app_id: int) -> None:
    register(api, "edge-1")
    tell(api, "edge-1", {app_id: {"requests": [0, 5, 0, 0, 0]}})

    assert stranger.get("/api/metrics")["apps"] == []
    assert stranger.get("/api/mappings") == {"mappings": []}
    stranger.problem(404, "GET", f"/api/containers/r-{app_id}-1-0/stats")


def test_without_redis_there_are_no_metrics(api: Api, viewer: Caller, app_id: int) -> None:
    register(api, "edge-1")
    without = replace(api.services, redis=work_queue.connect("unix:///nonexistent/redis.sock"))
    caller = Caller(create_app(without).test_client(), viewer.token)

    assert caller.problem(503, "GET", "/api/metrics")["code"] == "dependency-unavailable"


def test_mappings_lead_from_hosts_to_addresses(api: Api, owner: Caller, viewer: Caller, app_id: int) -> None:
    owner.post("/api/apps/hello/domains", {"host": "www.shop.example"}, status=201)
    owner.create_app("empty")
    with api.services.db.write(platform="a test's targets") as session:
        tenant_id = session.get_one(App, app_id).tenant_id
        for slot in (1, 0):
            address = f"10.210.1.{slot + 5}"
            target = Target(
                tenant_id=tenant_id, app_id=app_id, replica_id=f"r-{app_id}-1-{slot}", address=address, port=80
            )
            session.add(target)

    replicas = [
        {"replica": f"r-{app_id}-1-0", "address": "10.210.1.5", "port": 80},
        {"replica": f"r-{app_id}-1-1", "address": "10.210.1.6", "port": 80},
    ]
    plain = {"environment": "production", "process": "web"}
    assert viewer.get("/api/mappings")["mappings"] == [
        {"host": "empty.localhost", "app": "empty", **plain, "replicas": []},
        {"host": "hello.localhost", "app": "hello", **plain, "replicas": replicas},
        {"host": "www.shop.example", "app": "hello", **plain, "replicas": replicas},
    ]


def test_what_a_container_uses_is_asked_of_the_agent(api: Api, viewer: Caller, app_id: int) -> None:
    with api.services.db.write(platform="a test's container") as session:
        session.get_one(Replica, f"r-{app_id}-1-0").container_id = "c0ffee" * 10
        deployment = session.query(Deployment).one()
        app, release = session.get_one(App, app_id), session.query(Release).one()
        add_replica(session, app, release, deployment, slot=7, state="gone", ended_at=now())
    use = {
        "at": 1767225600.5, "cpu_s": 12.5, "cpus": 0.25, "cpus_limit": 1.0, "throttled_s": 0.0, "memory_bytes": 1 << 20,
        "memory_limit_bytes": 1 << 29, "processes": 3, "processes_limit": None,
    }  # fmt: skip
    assert viewer.problem(503, "GET", f"/api/containers/r-{app_id}-1-0/stats")["code"] == "dependency-unavailable"

    with running_agent(api.services.settings.agent_socket) as agent:
        agent.stats[f"r-{app_id}-1-0"] = use
        expected = use | {"id": f"r-{app_id}-1-0", "app": "hello", "at": "2026-01-01T00:00:00.500000Z"}
        for identity in (f"r-{app_id}-1-0", "c0ffee" * 10, "c0ffeec0ffee"):
            assert viewer.get(f"/api/containers/{identity}/stats") == expected
        gone = viewer.problem(404, "GET", f"/api/containers/r-{app_id}-1-7/stats")
        assert "does not run" in gone["detail"]
