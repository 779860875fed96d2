"""Schedules over the API: what they are, when they come next, and a job run by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select

from slipway.models import AuditRecord
from tests.fixtures.api import Api, Caller
from tests.fixtures.releases import make_live

CRON = "/api/apps/hello/cron"
NIGHTLY = {"name": "nightly", "schedule": "30 4 * * mon-fri", "command": "report --all", "timezone": "Europe/Berlin"}
HOURLY = {"name": "hourly", "schedule": "@hourly", "command": "sweep", "overlap": "replace", "timeout_s": 60}


@pytest.fixture(autouse=True)
def hello(owner: Caller, api: Api) -> None:
    owner.create_app()
    make_live(api.services.db, "hello", settings={"cron": [NIGHTLY, HOURLY]})


def test_the_schedule_of_the_live_release_is_shown_by_name(viewer: Caller) -> None:
    hourly, nightly = viewer.get(CRON)["jobs"]
    next_tick = datetime.fromisoformat(hourly.pop("next_tick"))
    assert 0 < (next_tick - datetime.now(UTC)).total_seconds() <= 3600
    assert next_tick.minute == next_tick.second == 0
    assert hourly == {
        "name": "hourly",
        "schedule": "@hourly",
        "timezone": "UTC",
        "command": ["sweep"],
        "process": "web",
        "overlap": "replace",
        "timeout_s": 60,
        "last_run": None,
    }
    assert (nightly["command"], nightly["timeout_s"]) == (["report", "--all"], 3600)


def test_a_job_is_run_by_hand_and_recorded(api: Api, developer: Caller, viewer: Caller) -> None:
    run = developer.post(f"{CRON}/nightly/run")
    assert (run["cron"], run["tick"], run["command"], run["state"]) == ("nightly", None, ["report", "--all"], "pending")
    assert viewer.get("/api/apps/hello/runs?cron=nightly")["runs"] == [run]
    assert viewer.get(CRON)["jobs"][1]["last_run"] == run
    with api.services.db.read(platform="a test looks") as session:
        [record] = session.scalars(select(AuditRecord).filter_by(action="run.create"))
    assert record.detail == {"run": run["id"], "process": "web", "command": "report --all", "cron": "nightly"}


def test_who_may_not_and_what_is_not_there(viewer: Caller, developer: Caller, stranger: Caller) -> None:
    viewer.problem(403, "POST", f"{CRON}/nightly/run")
    stranger.problem(404, "POST", f"{CRON}/nightly/run")
    stranger.problem(404, "GET", CRON)
    assert "slipway cron -a hello" in developer.problem(404, "POST", f"{CRON}/none/run")["remedy"]


def test_an_app_that_is_not_live_has_no_schedule(owner: Caller) -> None:
    owner.create_app("new", settings={"cron": [NIGHTLY]})
    assert owner.get("/api/apps/new/cron") == {"jobs": []}


@pytest.mark.parametrize(
    ("job", "what"),
    [
        ({"schedule": "* * *"}, "3 of 5 fields"),
        ({"timezone": "Mars/Base"}, "no timezone"),
        ({"command": "a && b"}, "is a shell's"),
        ({"overlap": "queue"}, "cron"),
        ({"name": "A b"}, "cron"),
        ({"timeout_s": 0}, "cron"),
        ({"every": 5}, "cron"),
    ],
)
def test_what_is_no_job_is_refused_where_it_is_given(owner: Caller, job: dict[str, Any], what: str) -> None:
    problem = owner.problem(422, "PATCH", "/api/apps/hello", {"settings": {"cron": [NIGHTLY | job]}})
    assert what in problem["detail"]


def test_two_jobs_of_one_name_are_refused(owner: Caller) -> None:
    problem = owner.problem(422, "PATCH", "/api/apps/hello", {"settings": {"cron": [NIGHTLY, NIGHTLY]}})
    assert "two of them have the name nightly" in problem["detail"]
