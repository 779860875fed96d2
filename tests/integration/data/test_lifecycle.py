"""A deployment's row on its way."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest

from slipway.core.deployment.states import UNFINISHED, Kind, State
from slipway.db import Database
from slipway.domain import lifecycle
from slipway.errors import Conflict, DeploymentFailed
from slipway.models import Deployment
from tests.integration.data.conftest import TwoTenants

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each look at the clock is a second later."""
    seconds = itertools.count()
    monkeypatch.setattr(lifecycle, "now", lambda: BEGAN + timedelta(seconds=next(seconds)))


def queued(**values: object) -> Deployment:
    return Deployment(kind=str(Kind.PUSH), state=str(State.QUEUED), steps=[], **values)


def advanced(*states: State) -> Deployment:
    deployment = queued()
    for state in states:
        lifecycle.advance(deployment, state)
    return deployment


WAY = (State.FETCHING, State.BUILDING, State.STARTING, State.LIVE)


def test_every_state_on_the_way_times_its_step() -> None:
    deployment = advanced(*WAY)
    assert [(step["name"], step["ok"], step["ended_at"] - step["started_at"]) for step in deployment.steps] == [
        ("fetch", True, pytest.approx(2, abs=1)),
        ("build", True, pytest.approx(1, abs=1)),
        ("start", True, pytest.approx(1, abs=1)),
    ]
    assert deployment.started_at is not None
    assert deployment.live_at is not None
    assert deployment.started_at < deployment.live_at


def test_what_is_live_has_not_ended_until_it_retires() -> None:
    deployment = advanced(*WAY)
    assert deployment.ended_at is None
    lifecycle.advance(deployment, State.RETIRED)
    assert deployment.ended_at is not None


def test_a_second_attempt_keeps_when_the_first_began() -> None:
    deployment = advanced(State.FETCHING)
    began = deployment.started_at
    lifecycle.advance(deployment, State.QUEUED)
    lifecycle.advance(deployment, State.FETCHING)
    assert deployment.started_at == began
    assert deployment.ended_at is None


def test_an_illegal_move_changes_nothing() -> None:
    deployment = advanced(State.FETCHING)
    with pytest.raises(Conflict):
        lifecycle.advance(deployment, State.LIVE)
    assert (deployment.state, len(deployment.steps), deployment.live_at) == (State.FETCHING, 1, None)
    assert deployment.steps[0]["ended_at"] is None


def test_steps_can_be_noted_and_are_nested_in_no_other() -> None:
    deployment = advanced(State.FETCHING, State.BUILDING)
    lifecycle.note_step(deployment, "7 of 9 steps from cache")
    lifecycle.begin_step(deployment, "push")
    assert [(step["name"], step["note"], step["ok"]) for step in deployment.steps] == [
        ("fetch", "", True),
        ("build", "7 of 9 steps from cache", True),
        ("push", "", None),
    ]


def test_noting_and_ending_without_a_step_does_nothing() -> None:
    deployment = queued()
    lifecycle.note_step(deployment, "x")
    lifecycle.end_step(deployment, ok=True)
    assert deployment.steps == []


def test_an_ended_step_stays_as_it_ended() -> None:
    deployment = advanced(State.FETCHING)
    lifecycle.end_step(deployment, ok=False, note="no such commit")
    ended = dict(deployment.steps[0])
    lifecycle.end_step(deployment, ok=True)
    assert deployment.steps == [ended]


def test_a_failure_keeps_reason_sentence_remedy_and_the_last_lines() -> None:
    deployment = advanced(State.FETCHING, State.BUILDING)
    tail = "\n".join(f"line {number}" for number in range(50))
    lifecycle.fail(deployment, DeploymentFailed("build-failed", "It broke.", remedy="fix it", tail=tail))
    assert (deployment.state, deployment.reason) == (State.FAILED, "build-failed")
    assert (deployment.detail, deployment.remedy) == ("It broke.", "fix it")
    assert deployment.tail.splitlines() == [f"line {number}" for number in range(30, 50)]
    assert (deployment.steps[-1]["ok"], deployment.steps[-1]["note"]) == (False, "It broke.")
    assert deployment.ended_at is not None


@pytest.mark.parametrize("state", [State.CANCELLED, State.SUPERSEDED, State.SKIPPED])
def test_a_stop_says_why(state: State) -> None:
    deployment = advanced(State.FETCHING)
    lifecycle.stop(deployment, state, "the branch moved on")
    assert (deployment.state, deployment.reason, deployment.detail) == (state, str(state), "the branch moved on")
    assert (deployment.steps[-1]["ok"], deployment.steps[-1]["note"]) == (state is State.SKIPPED, "the branch moved on")


def test_a_queued_deployment_stops_at_once() -> None:
    deployment = queued()
    lifecycle.request_stop(deployment, State.CANCELLED, "why")
    assert (deployment.state, deployment.stop_requested) == (State.CANCELLED, None)


@pytest.mark.parametrize("at", sorted(UNFINISHED - {State.QUEUED}))
def test_the_one_who_claimed_it_is_asked_once(at: State) -> None:
    deployment = advanced(*WAY[: WAY.index(at) + 1])
    lifecycle.request_stop(deployment, State.CANCELLED, "first")
    lifecycle.request_stop(deployment, State.SUPERSEDED, "second")
    assert (deployment.state, deployment.stop_requested, deployment.stop_why) == (at, "cancelled", "first")


def test_what_has_ended_or_serves_is_left_alone() -> None:
    live, failed = advanced(*WAY), advanced(State.FAILED)
    for deployment in (live, failed):
        lifecycle.request_stop(deployment, State.CANCELLED, "why")
        assert deployment.stop_requested is None
    assert (live.state, failed.state) == (State.LIVE, State.FAILED)


def test_steps_are_written(database: Database, tenants: TwoTenants) -> None:
    """A list that was changed in place would not be: JSON columns notice assignments only."""
    row = queued(tenant_id=tenants.acme, app_id=tenants.acmes_app.id, sequence=1, image_sequence=1, idempotency_key="k")
    with database.write(tenant_id=tenants.acme) as session:
        session.add(row)
    for state in (State.FETCHING, State.BUILDING):
        with database.write(tenant_id=tenants.acme) as session:
            lifecycle.advance(session.get_one(Deployment, row.id), state)
    with database.write(tenant_id=tenants.acme) as session:
        lifecycle.note_step(session.get_one(Deployment, row.id), "half")
    with database.read(tenant_id=tenants.acme) as session:
        steps = session.get_one(Deployment, row.id).steps
    assert [(step["name"], step["note"]) for step in steps] == [("fetch", ""), ("build", "half")]
