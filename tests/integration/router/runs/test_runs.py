"""Commands beside replicas over the API: who may begin and end one, what is said of it, and what it prints."""

from __future__ import annotations

import json
import shlex
from typing import Any

import pytest
from sqlalchemy import select

from slipway.core.runs.ends import RunEnd
from slipway.core.runs.states import RunState
from slipway.domain.runs import lifecycle
from slipway.models import AuditRecord, Release, Run
from tests.fixtures.api import Api, Caller
from tests.fixtures.releases import make_live
from tests.fixtures.services.agent_server import Agent, running_agent
from tests.integration.router.quotas.conftest import plans, quota

__all__ = ["plans", "quota"]
RUNS = "/api/apps/hello/runs"
SETTINGS = {"processes": {"work": {"command": "work"}}, "resources": {"memory_mb": 100}}


@pytest.fixture(autouse=True)
def hello(owner: Caller, api: Api) -> None:
    owner.create_app()
    make_live(api.services.db, "hello", settings=SETTINGS)


def change(api: Api, number: int, state: RunState) -> None:
    """As the agent writes it."""
    with api.services.db.write(platform="a test's agent") as session:
        row = session.get_one(Run, number)
        if state is RunState.RUNNING:
            lifecycle.begin(row, "c" * 64)
        else:
            lifecycle.end(row, RunEnd(state, "exit-code", "it ended: exit code 3", exit_code=3))


def test_a_run_is_begun_shown_listed_and_recorded(api: Api, developer: Caller, viewer: Caller) -> None:
    body = {"command": ["sh", "-c", "echo glpat-12345678901234567890"], "process": "work", "timeout_s": 60}
    made = developer.post(RUNS, body)
    assert (made["state"], made["process"], made["release"], made["timeout_s"]) == ("pending", "work", 1, 60)
    assert made["command"] == ["sh", "-c", "echo •••"]
    assert viewer.get(f"{RUNS}/{made['id']}") == made
    assert viewer.get(RUNS)["runs"] == [made]
    assert viewer.get(f"{RUNS}?active=true")["runs"] == [made]
    assert viewer.get(f"{RUNS}?cron=clean")["runs"] == []
    with api.services.db.read(platform="a test looks") as session:
        [record] = session.scalars(select(AuditRecord).filter_by(action="run.create"))
    assert (record.subject, record.actor) == ("hello", made["actor"])
    assert record.detail == {"run": made["id"], "process": "work", "command": "sh -c 'echo •••'"}
    change(api, made["id"], RunState.RUNNING)
    change(api, made["id"], RunState.FAILED)
    ended = viewer.get(f"{RUNS}/{made['id']}")
    assert (ended["state"], ended["exit_code"], ended["detail"]) == ("failed", 3, "it ended: exit code 3")
    assert viewer.get(f"{RUNS}?active=true")["runs"] == []


def test_secrets_of_the_release_are_seen_in_no_command(api: Api, developer: Caller, viewer: Caller) -> None:
    with api.services.db.write(platform="a test's release") as session:
        release = session.scalars(select(Release)).one()
        where = (release.tenant_id, release.app_id, release.environment)
        sealed = {
            name: api.services.values.seal(value, *where, name)
            for name, value in (("DB_PASSWORD", "correct horse"), ("MODE", "production"))
        }
        release.configuration = release.configuration | {"variables": sealed}
    command = ["sh", "-c", "login 'correct horse'", "--url=u:correct%20horse@db", "--mode=production"]
    seen = ["sh", "-c", "login '•••'", "--url=u:•••@db", "--mode=production"]
    made = developer.post(RUNS, {"command": command})
    assert made["command"] == viewer.get(f"{RUNS}/{made['id']}")["command"] == seen
    assert viewer.get(RUNS)["runs"][0]["command"] == seen
    with api.services.db.read(platform="a test looks") as session:
        assert session.get_one(Run, made["id"]).command == command, "it runs as it was given"
        [record] = session.scalars(select(AuditRecord).filter_by(action="run.create"))
    assert record.detail["command"] == shlex.join(seen)


def test_a_viewer_may_look_and_nobody_else_of_another_tenant(
    api: Api, developer: Caller, viewer: Caller, stranger: Caller
) -> None:
    number = developer.post(RUNS, {"command": ["true"]})["id"]
    viewer.problem(403, "POST", RUNS, {"command": ["true"]})
    viewer.problem(403, "POST", f"{RUNS}/{number}/cancel")
    for path in (RUNS, f"{RUNS}/{number}", f"{RUNS}/{number}/output"):
        stranger.problem(404, "GET", path)
    stranger.problem(404, "POST", RUNS, {"command": ["true"]})
    with api.services.db.read(platform="a test looks") as session:
        assert [row.stop_requested for row in session.scalars(select(Run))] == [None]


def test_a_run_is_asked_to_end_once(api: Api, developer: Caller) -> None:
    number = developer.post(RUNS, {"command": ["true"]})["id"]
    assert developer.post(f"{RUNS}/{number}/cancel")["stopping"] is True
    assert developer.post(f"{RUNS}/{number}/cancel")["stopping"] is True
    change(api, number, RunState.CANCELLED)
    assert developer.post(f"{RUNS}/{number}/cancel")["stopping"] is False
    with api.services.db.read(platform="a test looks") as session:
        records = session.scalars(select(AuditRecord).filter_by(action="run.cancel")).all()
    assert [each.detail for each in records] == [{"run": number}]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"command": []}, 422),
        ({"command": [""]}, 422),
        ({"command": "true"}, 422),
        ({"command": ["a"], "timeout_s": 0}, 422),
        ({"command": ["a"], "timeout_s": 86401}, 422),
        ({"command": ["a"], "process": "none"}, 422),
        ({"command": ["a\0"]}, 422),
        ({}, 422),
    ],
)
def test_what_is_no_command_is_refused(developer: Caller, body: Any, status: int) -> None:
    developer.problem(status, "POST", RUNS, body)


def test_a_number_that_is_none_is_not_found(developer: Caller) -> None:
    for number in (1, 1 << 40):
        developer.problem(404, "GET", f"{RUNS}/{number}")
        developer.problem(404, "POST", f"{RUNS}/{number}/cancel")


def test_a_run_is_its_apps(owner: Caller) -> None:
    number = owner.post(RUNS, {"command": ["true"]})["id"]
    owner.create_app("other")
    assert "other has no run" in owner.problem(404, "GET", f"/api/apps/other/runs/{number}")["detail"]
    owner.problem(404, "POST", f"/api/apps/other/runs/{number}/cancel")


def test_nothing_runs_of_an_app_that_is_not_live(owner: Caller) -> None:
    owner.create_app("new")
    problem = owner.problem(409, "POST", "/api/apps/new/runs", {"command": ["true"]})
    assert "slipway deploy -a new" in problem["remedy"]


def test_a_run_counts_as_a_replica_until_it_has_ended(api: Api, owner: Caller, quota: Any) -> None:
    def used() -> dict[str, int]:
        found = {each["name"]: each["used"] for each in owner.get("/api/quota")["quotas"]}
        return {name: found[name] for name in ("replicas", "memory_mb")}

    before = used()
    quota(memory_mb=before["memory_mb"] + 150)
    number = owner.post(RUNS, {"command": ["true"]})["id"]
    assert used() == {"replicas": before["replicas"] + 1, "memory_mb": before["memory_mb"] + 100}
    problem = owner.problem(403, "POST", RUNS, {"command": ["true"]})
    assert "MB of memory: 100 more needed, 50 of" in problem["detail"]
    change(api, number, RunState.FAILED)
    assert used() == before
    owner.post(RUNS, {"command": ["true"]})


def test_so_many_of_a_tenant_run_at_a_time(api: Api, owner: Caller) -> None:
    for _ in range(api.services.settings.runs_per_tenant):
        owner.post(RUNS, {"command": ["true"]})
    assert owner.problem(429, "POST", RUNS, {"command": ["true"]})["code"] == "too-many-calls"


def events_of(answer: Any) -> list[tuple[str, str]]:
    """(event, data), without the signs of life."""
    blocks = [block.split("\n") for block in answer.text.split("\n\n") if block.startswith("event:")]
    return [(lines[0].removeprefix("event: "), lines[-1].removeprefix("data: ")) for lines in blocks]


@pytest.fixture
def agent(api: Api) -> Any:
    with running_agent(api.services.settings.agent_socket) as made:
        yield made


def test_what_it_prints_is_read_so_far_and_followed_to_its_end(
    api: Api, developer: Caller, viewer: Caller, agent: Agent
) -> None:
    number = developer.post(RUNS, {"command": ["true"]})["id"]
    assert viewer.call("GET", f"{RUNS}/{number}/output").text == "", "nothing yet"
    change(api, number, RunState.RUNNING)
    lines = [f"2026-01-01T00:00:0{second}.000000000Z line {second}" for second in (1, 2)]
    for line in lines:
        agent.say(f"run-{number}", line)
    assert viewer.call("GET", f"{RUNS}/{number}/output?tail=1").text == f"{lines[1]}\n"
    agent.end(f"run-{number}")
    change(api, number, RunState.FAILED)
    followed = events_of(viewer.call("GET", f"{RUNS}/{number}/output?follow=true"))
    assert [name for name, _ in followed] == ["line", "line", "run", "end"]
    assert [data for name, data in followed if name == "line"] == lines
    assert json.loads(followed[2][1])["exit_code"] == 3
    again = viewer.call("GET", f"{RUNS}/{number}/output?follow=true", Last_Event_ID=lines[0].partition(" ")[0])
    assert [data for name, data in events_of(again) if name == "line"] == lines[1:]


@pytest.mark.parametrize("junk", ["x", "9999-99-99T00:00:00Z", "0001-01-01T00:00:00Z", "2026-01-01", "9" * 5000])
def test_a_position_that_is_no_time_never_reaches_the_agent(
    api: Api, developer: Caller, agent: Agent, monkeypatch: pytest.MonkeyPatch, junk: str
) -> None:
    number = developer.post(RUNS, {"command": ["true"]})["id"]
    change(api, number, RunState.RUNNING)
    agent.say(f"run-{number}", "2026-01-01T00:00:01Z line")
    agent.end(f"run-{number}")
    change(api, number, RunState.FAILED)
    asked: list[str] = []
    follow = api.services.agent.follow

    def watched(holder: str, *, tail: int | None, after: str) -> Any:
        asked.append(after)
        return follow(holder, tail=tail, after=after)

    monkeypatch.setattr(api.services.agent, "follow", watched)
    followed = events_of(developer.call("GET", f"{RUNS}/{number}/output?follow=true", Last_Event_ID=junk))
    assert [name for name, _ in followed] == ["line", "run", "end"]
    assert asked == [""]


def test_a_stream_of_output_counts_as_one_of_the_tenants(api: Api, developer: Caller, agent: Agent) -> None:
    number = developer.post(RUNS, {"command": ["true"]})["id"]
    answer = developer.call("GET", f"{RUNS}/{number}/output?follow=true")
    chunks = answer.iter_encoded()
    assert b'"state":"pending"' in next(chunks)
    assert api.services.followers.of_tenant(api.tenant_id("acme")) == 1
    answer.close()
    assert api.services.followers.of_tenant(api.tenant_id("acme")) == 0
