from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from rq.utils import utcformat
from sqlalchemy import text

from slipway.domain.route_table import touch_routes
from slipway.models import Edge
from tests.fixtures.api import Api, Caller
from tests.fixtures.releases import add_replica, make_live
from tests.fixtures.services.agent_server import running_agent


def test_alive_and_ready(api: Api) -> None:
    assert api.client.get("/healthz").json == {"status": "ok"}
    assert api.client.get("/readyz").json == {"status": "ok"}


def test_not_ready_with_another_schema(api: Api) -> None:
    with api.services.db.write(platform="a test's migration") as session:
        session.execute(text("UPDATE alembic_version SET version_num = 'older'"))
    answer = api.client.get("/readyz")
    assert (answer.status_code, answer.json["code"]) == (503, "dependency-unavailable")
    assert "older" in answer.json["detail"]
    assert api.client.get("/healthz").status_code == 200


def test_the_first_page_tells_the_first_commands(api: Api) -> None:
    answer = api.client.get("/")
    assert answer.content_type == "text/html; charset=utf-8"
    assert "slipway login http://slipway.localhost:8080" in answer.text
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def add_worker(api: Api, name: str, *, heard_s_ago: float) -> None:
    heard = datetime.now(UTC) - timedelta(seconds=heard_s_ago)
    api.services.redis.sadd("rq:workers:builds", f"rq:worker:{name}")
    api.services.redis.hset(f"rq:worker:{name}", "last_heartbeat", utcformat(heard))


def test_a_healthy_platform(api: Api, viewer: Caller) -> None:
    with api.services.db.write(platform="a test's edge") as session:
        session.add(Edge(id="edge-1"))
        generation = touch_routes(session, ["a.localhost"])
    confirmed = {"epoch": "e", "generation": generation, "at": time.time()}
    api.services.redis.hset("slipway:edges:confirmed", "edge-1", json.dumps(confirmed))
    add_worker(api, "one", heard_s_ago=20)
    add_worker(api, "killed", heard_s_ago=60)
    with running_agent(api.services.settings.agent_socket):
        system = viewer.get("/api/services/system")
    assert system["status"] == "ok"
    assert system["database"] == system["redis"] == system["agent"] == {"ok": True, "detail": ""}
    assert [(each["id"], each["ok"], each["generation"]) for each in system["edges"]] == [("edge-1", True, generation)]
    assert (system["generation"], system["workers"], system["queue_length"]) == (generation, 1, 0)


def test_what_does_not_answer_is_reported_and_breaks_nothing(
    api: Api, viewer: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    with api.services.db.write(platform="a test's edge") as session:
        session.add(Edge(id="edge-1"))
        touch_routes(session, ["a.localhost"])
    system = viewer.get("/api/services/system")
    assert system["status"] == "degraded"
    assert (system["agent"]["ok"], system["database"]["ok"]) == (False, True)
    assert "agent does not answer" in system["agent"]["detail"]
    assert (system["edges"][0]["ok"], system["edges"][0]["confirmed_at"]) == (False, None)
    monkeypatch.setattr(api.services.redis, "execute_command", _away)
    assert viewer.get("/api/services/system")["redis"]["ok"] is False


def _away(*_: object, **__: object) -> None:
    from redis.exceptions import ConnectionError as RedisAway

    raise RedisAway("away")


def test_replicas_and_a_containers_health(api: Api, owner: Caller, viewer: Caller) -> None:
    from slipway.models import App, Deployment, Release, Replica, now

    owner.create_app()
    number = make_live(api.services.db, "hello", ready=2)
    with api.services.db.write(platform="a test's agent") as session:
        deployment = session.get_one(Deployment, number)
        app, release = session.get_one(App, deployment.app_id), session.get_one(Release, deployment.release_id)
        session.get_one(Replica, "r-1-1-0").container_id = "c0ffee" * 10
        release.configuration = {**release.configuration, "memory_bytes": 256 << 20}
        add_replica(session, app, release, deployment, slot=7, state="gone", exit_code=137, ended_at=now())
    listed = viewer.get("/api/apps/hello/replicas")["replicas"]
    assert [(each["id"], each["release"], each["state"]) for each in listed] == [
        ("r-1-1-0", 1, "ready"),
        ("r-1-1-1", 1, "ready"),
    ]
    everything = viewer.get("/api/apps/hello/replicas?all=1")["replicas"]
    assert (everything[2]["id"], everything[2]["exit_code"]) == ("r-1-1-7", 137)
    assert everything[0]["last_crash"] is None
    assert everything[0]["memory_bytes"] == 256 << 20
    expected = {"id": "r-1-1-0", "state": "ready", "ready": True, "app": "hello"}
    for identity in ("r-1-1-0", "c0ffee" * 10, "c0ffeec0ffee"):
        health = viewer.get(f"/api/containers/{identity}/health")
        assert {name: health[name] for name in expected} == expected
    assert viewer.get("/api/containers/r-1-1-7/health")["ready"] is False
    for identity in ("c0ffee", "%25", "c0ffee%25%25%25%25%25%25"):
        viewer.problem(404, "GET", f"/api/containers/{identity}/health")


def test_how_a_replica_last_ended_is_shown(api: Api, owner: Caller, viewer: Caller) -> None:
    from slipway.core.rollout.crash import Crash
    from slipway.models import Replica, now

    owner.create_app()
    make_live(api.services.db, "hello", ready=1)
    with api.services.db.write(platform="a test's agent") as session:
        row = session.get_one(Replica, "r-1-1-0")
        row.last_crash = Crash("c-1", 1_767_225_600.0, 137, True, 256 << 20).to_json()
        row.started_at = row.out_of_memory_at = now()
    [found] = viewer.get("/api/apps/hello/replicas")["replicas"]
    assert found["last_crash"] == {
        "at": "2026-01-01T00:00:00Z", "cause": "out of memory (256 MB)", "exit_code": 137, "out_of_memory": True,
    }  # fmt: skip
    assert found["out_of_memory_at"] == found["started_at"] is not None


def test_replicas_output_is_read_through_the_agent(api: Api, owner: Caller, viewer: Caller) -> None:
    owner.create_app()
    make_live(api.services.db, "hello", ready=2)
    output = {
        "r-1-1-0": ["2030-01-01T00:00:01Z one", "2030-01-01T00:00:03Z three"],
        "r-1-1-1": ["2030-01-01T00:00:02Z two"],
    }

    def read(query: str) -> Any:
        with viewer.call("GET", f"/api/apps/hello/logs{query}") as answer:  # a text holds its place until it is closed
            assert answer.text
            return answer

    assert viewer.problem(503, "GET", "/api/apps/hello/logs")["code"] == "dependency-unavailable"
    with running_agent(api.services.settings.agent_socket, output):
        answer = read("")
        assert (answer.status_code, answer.content_type) == (200, "text/plain; charset=utf-8")
        assert answer.text.splitlines() == [
            "r-1-1-0 2030-01-01T00:00:01Z one",
            "r-1-1-1 2030-01-01T00:00:02Z two",
            "r-1-1-0 2030-01-01T00:00:03Z three",
        ]
        assert read("?tail=1").text.count("\n") == 2
        assert read("?replica=r-1-1-1").text == "r-1-1-1 2030-01-01T00:00:02Z two\n"
        viewer.problem(404, "GET", "/api/apps/hello/logs?replica=r-9")
        viewer.problem(422, "GET", "/api/apps/hello/logs?tail=-1")


def test_a_thousand_apps_take_no_more_queries_than_one(api: Api, owner: Caller) -> None:
    from sqlalchemy import event

    from slipway.models import App, Scale

    statements: list[str] = []
    event.listen(api.services.db.engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    owner.create_app()
    make_live(api.services.db, "hello", ready=1)
    owner.get("/api/apps")
    statements.clear()
    owner.get("/api/apps")
    few = len(statements)
    tenant = api.tenant_id()
    with api.services.db.write(tenant_id=tenant) as session:
        made = [App(tenant_id=tenant, name=f"app-{number}", repository="r") for number in range(1000)]
        session.add_all(made)
        session.flush()
        session.add_all(Scale(tenant_id=tenant, app_id=app.id) for app in made)
    statements.clear()
    assert len(owner.get("/api/apps")["apps"]) == 1001
    assert len(statements) == few


def test_the_socket_of_a_dead_agent(api: Api, viewer: Caller, owner: Caller, state_dir: Path) -> None:
    import socket

    owner.create_app()
    make_live(api.services.db, "hello", ready=1)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(api.services.settings.agent_socket))
    viewer.problem(503, "GET", "/api/apps/hello/logs")
    viewer.problem(503, "GET", "/api/apps/hello/logs?follow=1")
