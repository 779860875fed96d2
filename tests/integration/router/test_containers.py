"""All replicas of a tenant with what they use, and how one of them is doing."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from slipway.adapters.redis import keys
from slipway.models import Deployment, Edge, Release, Replica, now
from tests.fixtures.api import Api, Caller
from tests.fixtures.releases import make_live
from tests.fixtures.services.agent_server import running_agent
from tests.fixtures.usage_rows import add_subject, add_use


@pytest.fixture
def replicas(api: Api, owner: Caller) -> list[str]:
    """Two of hello and one of shop; the second has crashed."""
    for name, ready in (("hello", 2), ("shop", 1)):
        owner.create_app(name)
        make_live(api.services.db, name, ready=ready)
    with api.services.db.write(platform="a test's crash") as session:
        crashed = session.get_one(Replica, "r-1-1-1")
        crashed.state, crashed.restarts = "crashed", 4
        crashed.last_crash = {
            "container_id": "c", "at": 1.0, "exit_code": 1, "out_of_memory": False, "memory_bytes": 0,
        }  # fmt: skip
        for release in session.query(Release):
            release.configuration = {**release.configuration, "memory_bytes": 256 << 20, "cpus": 1.0}
    return ["r-1-1-0", "r-1-1-1", "r-2-1-0"]


def containers(caller: Caller, **query: Any) -> Any:
    return caller.get(f"/api/containers?{urlencode(query)}")


def ids(caller: Caller, **query: Any) -> list[str]:
    return [each["id"] for each in containers(caller, **query)["containers"]]


def reported_by_an_edge(api: Api, edge: str, *, at: float, **requests_per_s: float) -> None:
    with api.services.db.write(platform="a test's edge") as session:
        session.add(Edge(id=edge))
    recorded = {
        name.replace("_", "-"): json.dumps({"requests": [0, 90, 0, 0, 3], "requests_per_s": rate})
        for name, rate in requests_per_s.items()
    }
    api.services.redis.hset(keys.replica_metrics(edge), mapping={"at": at, **recorded})
    api.services.redis.hset(keys.inflight(edge), mapping={"at": at, **dict.fromkeys(recorded, 2)})


def test_every_replica_with_its_limits_and_state(replicas: list[str], viewer: Caller) -> None:
    found = containers(viewer)
    assert [each["id"] for each in found["containers"]] == replicas
    assert (found["found"], found["total"], found["by_state"]) == (3, 3, {"ready": 2, "crashed": 1})
    first, crashed, _ = found["containers"]
    assert (first["app"], first["memory_limit_bytes"], first["cpus_limit"]) == ("hello", 256 << 20, 1.0)
    assert first["image"] == "hello v1 aaaaaaa"
    assert (crashed["restarts"], crashed["last_crash"]["cause"]) == (4, "exit code 1")
    unknown = ("cpus", "memory_bytes", "requests", "requests_per_s", "inflight")
    assert {first[name] for name in unknown} == {None}


def test_use_is_the_average_of_the_last_minutes(api: Api, replicas: list[str], viewer: Caller) -> None:
    subject = add_subject(api.services.db, "hello", replica="r-1-1-0")
    half = {"running_ms": 60_000, "cpu_us": 30_000_000, "memory_byte_s": 60 * 100_000_000}
    add_use(api.services.db, subject, half, minutes_ago=1)
    add_use(api.services.db, subject, {**half, "cpu_us": 60_000_000}, minutes_ago=0)
    add_use(api.services.db, subject, {**half, "cpu_us": 600_000_000}, minutes_ago=9)
    first = containers(viewer)["containers"][0]
    assert (first["cpus"], first["memory_bytes"]) == (0.75, 100_000_000)


def test_requests_are_those_of_all_edges_and_rates_of_those_that_are_fresh(
    api: Api, replicas: list[str], viewer: Caller
) -> None:
    reported_by_an_edge(api, "edge-1", at=time.time(), r_1_1_0=1.5, r_2_1_0=4.0)
    reported_by_an_edge(api, "edge-2", at=time.time() - 60, r_1_1_0=9.0)
    first = containers(viewer)["containers"][0]
    recorded = {name: first[name] for name in ("requests", "failed", "requests_per_s", "inflight")}
    assert recorded == {"requests": 186, "failed": 6, "requests_per_s": 1.5, "inflight": 2}
    assert ids(viewer, order="requests") == ["r-2-1-0", "r-1-1-0", "r-1-1-1"]
    assert ids(viewer, order="requests", reverse=True) == ["r-1-1-0", "r-2-1-0", "r-1-1-1"], "unknown ones stay last"


def test_they_are_found_by_words_state_and_app_in_an_order(replicas: list[str], viewer: Caller) -> None:
    assert ids(viewer, q="SHOP web") == ["r-2-1-0"]
    assert ids(viewer, q="r-1-1") == replicas[:2]
    assert ids(viewer, state="crashed") == ["r-1-1-1"]
    assert containers(viewer, state="crashed")["by_state"] == {"ready": 2, "crashed": 1}
    assert ids(viewer, app="hello") == replicas[:2]
    assert ids(viewer, order="state")[0] == "r-1-1-1"
    assert ids(viewer, order="restarts")[0] == "r-1-1-1"
    assert ids(viewer, order="app", reverse=True)[0] == "r-2-1-0"
    viewer.problem(422, "GET", "/api/containers?order=nonsense")


def test_the_oldest_comes_first_by_age(api: Api, replicas: list[str], viewer: Caller) -> None:
    ages = {"r-1-1-0": timedelta(hours=1), "r-1-1-1": timedelta(days=2), "r-2-1-0": timedelta(hours=3)}
    with api.services.db.write(platform="a test's ages") as session:
        for each, age in ages.items():
            session.get_one(Replica, each).created_at = now() - age
    assert ids(viewer, order="age") == ["r-1-1-1", "r-2-1-0", "r-1-1-0"]
    assert ids(viewer, order="age", reverse=True) == ["r-1-1-0", "r-2-1-0", "r-1-1-1"]


def test_they_come_a_page_at_a_time(replicas: list[str], viewer: Caller) -> None:
    second = containers(viewer, per_page=2, page=2)
    assert ([each["id"] for each in second["containers"]], second["pages"]) == (["r-2-1-0"], 2)
    assert containers(viewer, per_page=2, page=9)["page"] == 2


def test_a_pulled_image_goes_by_its_name(api: Api, replicas: list[str], viewer: Caller) -> None:
    with api.services.db.write(platform="a test's image") as session:
        for deployment in session.query(Deployment).join(Replica, Replica.deployment_id == Deployment.id):
            deployment.source, deployment.ref = "image", "nginx:1.27"
    assert {each["image"] for each in containers(viewer)["containers"]} == {"nginx:1.27"}
    assert ids(viewer, q="nginx:1") == replicas


def test_ended_replicas_and_those_of_others_are_not_there(
    api: Api, replicas: list[str], viewer: Caller, stranger: Caller
) -> None:
    with api.services.db.write(platform="a test's agent") as session:
        session.get_one(Replica, "r-1-1-0").ended_at = now()
    assert ids(viewer) == replicas[1:]
    assert containers(stranger) == {
        "containers": [], "found": 0, "total": 0, "by_state": {}, "page": 1, "pages": 1,
    }  # fmt: skip


def test_without_redis_requests_are_not_known(api: Api, replicas: list[str], viewer: Caller) -> None:
    reported_by_an_edge(api, "edge-1", at=time.time(), r_1_1_0=1.5)
    api.services.redis.delete(keys.replica_metrics("edge-1"))
    api.services.redis.set(keys.replica_metrics("edge-1"), "no hash")
    assert [each["requests_per_s"] for each in containers(viewer)["containers"]] == [None, None, None]


def test_health_says_what_the_last_probe_and_the_kernel_say(api: Api, replicas: list[str], viewer: Caller) -> None:
    use = {"at": 1767225600.5, "cpus": 0.25, "cpus_limit": 0.5, "memory_bytes": 1 << 20, "memory_limit_bytes": 1 << 29}
    with running_agent(api.services.settings.agent_socket) as agent:
        agent.stats["r-1-1-0"] = dict(use)
        agent.probes["r-1-1-0"] = {"at": None, "answered": False, "failures": 3, "error": "GET :80/ answered 500"}
        health = viewer.get("/api/containers/r-1-1-0/health")
    assert {name: health[name] for name in use if name != "at"} == {name: use[name] for name in use if name != "at"}
    assert health["measured_at"] == "2026-01-01T00:00:00.500000Z"
    assert health["last_probe"] == {"at": None, "answered": False, "failures": 3, "error": "GET :80/ answered 500"}


def test_health_without_the_agent_says_what_is_recorded(api: Api, replicas: list[str], viewer: Caller) -> None:
    health, crashed = (viewer.get(f"/api/containers/{each}/health") for each in replicas[:2])
    assert (health["state"], health["ready"], health["measured_at"], health["cpus"]) == ("ready", True, None, None)
    assert (health["memory_limit_bytes"], health["cpus_limit"]) == (256 << 20, 1.0)
    assert health["last_probe"] == {"answered": True, "at": health["ready_at"], "failures": 0, "error": None}
    assert (crashed["state"], crashed["ready"], crashed["restarts"]) == ("crashed", False, 4)
    assert crashed["last_crash"]["cause"] == "exit code 1"
