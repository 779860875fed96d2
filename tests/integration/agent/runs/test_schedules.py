"""Ticks of schedules, as the agent finds them: once each, also over its own death, and said where they did not run."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from builder.agent.runs.schedules import Schedules
from slipway.core.deployment.states import State
from slipway.domain import intents
from slipway.domain.runs.ticks import HostLimits
from slipway.errors import InvalidInput
from slipway.models import App, Deployment, Run, now
from tests.integration.agent.crashes import Countdown, Killed, MortalDatabase
from tests.integration.agent.rig import Rig
from tests.integration.agent.runs.conftest import live_after_a_moment, task_of

LIMITS = HostLimits(3600.0, 10)
EVERY_TEN = {"name": "ten", "schedule": "*/10 * * * *", "command": "tick ${PORT}"}


class Clock:
    """Unix seconds that a test sets, from a full hour on."""

    def __init__(self) -> None:
        self.at = datetime(2030, 1, 1, 12, 0, 30, tzinfo=UTC)

    def __call__(self) -> float:
        return self.at.timestamp()

    def pass_by(self, **amount: int) -> None:
        self.at += timedelta(**amount)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def woken() -> list[int]:
    return []


def live_with(rig: Rig, clock: Clock, *jobs: dict[str, Any], name: str = "clock") -> App:
    """An app whose release is live since now."""
    app = rig.add_app(name, cron=list(jobs))
    rig.change(rig.live(app), live_at=clock.at)
    return app


def schedules(rig: Rig, clock: Clock, woken: list[int] | None = None, db: Any = None) -> Schedules:
    return Schedules(db or rig.db, clock, [].append if woken is None else woken.append, LIMITS)


def rows(rig: Rig) -> list[tuple[str, str, str]]:
    """(tick, state, detail), in the order of their ticks."""
    found = sorted(rig.all(Run), key=lambda row: row.tick)
    return [(f"{row.tick:%H:%M}", row.state, row.detail) for row in found]


def end(rig: Rig, app: App) -> None:
    """The run that is under way ends well."""
    rig.agent.runs.run(app.id)
    for container in list(rig.runtime.containers.values()):
        if container.observed.task and container.observed.running:
            rig.runtime.die(container.observed.container_id, exit_code=0)
    rig.agent.runs.run(app.id)


def test_each_tick_runs_once_and_its_app_gets_a_pass(rig: Rig, clock: Clock, woken: list[int]) -> None:
    app = live_with(rig, clock, EVERY_TEN)
    agent = schedules(rig, clock, woken)
    for _ in range(3):
        agent.look()
    assert (rows(rig), woken) == ([], [])
    for _ in range(20):
        clock.pass_by(minutes=1)
        agent.look()
        schedules(rig, clock).look()  # another agent, which remembers nothing
        end(rig, app)
    assert rows(rig) == [("12:10", "succeeded", ""), ("12:20", "succeeded", "")]
    assert woken == [app.id, app.id]
    assert rig.runtime.started_tasks == [("tick", "8000")] * 2
    assert {(row.actor, row.cron) for row in rig.all(Run)} == {("cron:ten", "ten")}


def test_a_tick_has_one_row_whoever_writes_it(rig: Rig, clock: Clock) -> None:
    live_with(rig, clock, EVERY_TEN)
    clock.pass_by(minutes=10)
    schedules(rig, clock).look()
    [row] = rig.all(Run)
    columns = ("tenant_id", "app_id", "command", "timeout_s", "actor", "cron", "tick")
    with pytest.raises(IntegrityError), rig.db.write(platform="a test") as session:
        session.add(Run(**{name: getattr(row, name) for name in columns}))


@pytest.mark.parametrize("dies_after", [1, 2])
def test_an_agent_that_dies_at_a_tick_neither_loses_nor_repeats_it(rig: Rig, clock: Clock, dies_after: int) -> None:
    app = live_with(rig, clock, EVERY_TEN, EVERY_TEN | {"name": "also"})
    clock.pass_by(minutes=10)
    countdown = Countdown()
    countdown.left = dies_after
    with pytest.raises(Killed):
        schedules(rig, clock, db=MortalDatabase(rig.db, countdown)).look()
    schedules(rig, clock).look()
    schedules(rig, clock).look()
    assert sorted(row.cron for row in rig.all(Run)) == ["also", "ten"]
    rig.agent.runs.run(app.id)
    assert len(rig.runtime.started_tasks) == 2


def test_missed_ticks_are_one_row_and_not_made_up_for(rig: Rig, clock: Clock) -> None:
    app = live_with(rig, clock, EVERY_TEN, {"name": "day", "schedule": "0 13 * * *", "command": "d"})
    clock.pass_by(minutes=75)
    schedules(rig, clock).look()
    assert [each for each in rows(rig) if each[0] != "13:10"] == [
        ("13:00", "missed", "6 ticks missed since 2030-01-01 12:10 UTC: no agent ran"),
        ("13:00", "missed", "1 tick missed since 2030-01-01 13:00 UTC: no agent ran"),
    ]
    assert ("13:10", "pending", "") in rows(rig), "five minutes late"
    end(rig, app)
    clock.pass_by(minutes=30)
    schedules(rig, clock).look()
    assert [each for each in rows(rig) if each[0] > "13:10"] == [
        ("13:30", "missed", "2 ticks missed since 2030-01-01 13:20 UTC: no agent ran"),
        ("13:40", "pending", ""),
    ]


def test_a_tick_during_a_run_is_skipped_and_says_so(rig: Rig, clock: Clock) -> None:
    app = live_with(rig, clock, EVERY_TEN)
    agent = schedules(rig, clock)
    for _ in range(2):
        clock.pass_by(minutes=10)
        agent.look()
        rig.agent.runs.run(app.id)
    assert rows(rig) == [("12:10", "running", ""), ("12:20", "skipped", "run 1 of the job was still under way")]
    end(rig, app)
    clock.pass_by(minutes=10)
    agent.look()
    assert rows(rig)[-1] == ("12:30", "pending", "")


def test_a_job_may_run_beside_itself_or_take_its_own_place(rig: Rig, clock: Clock) -> None:
    both = EVERY_TEN | {"name": "both", "overlap": "allow"}
    app = live_with(rig, clock, both, EVERY_TEN | {"name": "newest", "overlap": "replace"})
    agent = schedules(rig, clock)
    for _ in range(2):
        clock.pass_by(minutes=10)
        agent.look()
        rig.agent.runs.run(app.id)
    for _ in range(2):
        rig.agent.runs.run(app.id)
    found = {(row.cron, f"{row.tick:%H:%M}"): (row.state, row.reason) for row in rig.all(Run)}
    assert found == {
        ("both", "12:10"): ("running", ""),
        ("both", "12:20"): ("running", ""),
        ("newest", "12:10"): ("cancelled", "replaced"),
        ("newest", "12:20"): ("running", ""),
    }


def test_a_run_that_may_not_begin_is_skipped_with_the_reason(rig: Rig, clock: Clock) -> None:
    live_with(rig, clock, EVERY_TEN)
    agent = Schedules(rig.db, clock, [].append, HostLimits(3600.0, 0))
    clock.pass_by(minutes=10)
    agent.look()
    [(tick, state, detail)] = rows(rig)
    assert (tick, state) == ("12:10", "skipped")
    assert "as many as may at a time" in detail


def test_a_schedule_is_its_live_releases(rig: Rig, clock: Clock) -> None:
    app = live_with(rig, clock, EVERY_TEN)
    first = rig.all(Deployment)[0]
    clock.pass_by(minutes=5)
    rig.change(app, settings={"cron": []})
    rig.live(app, "b" * 40)
    clock.pass_by(minutes=10)
    schedules(rig, clock).look()
    assert rows(rig) == []
    back = rig.intend(app, intents.rollback, to=1, actor="a test")
    rig.settle(app)
    assert rig.deployment(back).state == State.LIVE
    assert rig.deployment(first).state == State.RETIRED
    rig.change(back, live_at=clock.at)
    schedules(rig, clock).look()
    assert rows(rig) == [], "12:10 was the other release's"
    clock.pass_by(minutes=5)
    schedules(rig, clock).look()
    assert rows(rig) == [("12:20", "pending", "")]


def test_one_tenants_broken_schedule_holds_up_nobody_else(
    rig: Rig, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    live_with(rig, clock, EVERY_TEN | {"name": "odd", "timezone": "Europe/Berlin"}, name="odd")
    app = live_with(rig, clock, EVERY_TEN)
    from slipway.core.runs import ticks

    zone_of = ticks.zone_of

    def forgetful(name: str) -> Any:
        if name != "UTC":
            raise InvalidInput("there is no timezone")
        return zone_of(name)

    monkeypatch.setattr(ticks, "zone_of", forgetful)
    clock.pass_by(minutes=10)
    schedules(rig, clock).look()
    assert [row.app_id for row in rig.all(Run)] == [app.id]


def test_nothing_ticks_of_an_app_that_is_deleted(rig: Rig, clock: Clock) -> None:
    app = live_with(rig, clock, EVERY_TEN)
    rig.change(app, deleted_at=now())
    clock.pass_by(minutes=10)
    schedules(rig, clock).look()
    assert rows(rig) == []


def test_a_job_gets_the_volumes_of_its_process(rig: Rig, clock: Clock) -> None:
    app = rig.add_app(
        "stores",
        processes={"work": {"command": "w"}},
        volumes=[{"path": "/data", "processes": ["work"]}],
        cron=[EVERY_TEN | {"process": "work"}],
    )
    live_after_a_moment(rig, app)
    rig.change(rig.all(Deployment)[0], live_at=clock.at)
    clock.pass_by(minutes=10)
    schedules(rig, clock).look()
    rig.agent.runs.run(app.id)
    found = task_of(rig, rig.all(Run)[0])
    assert found is not None
    assert [each.path for each in found.spec.volumes] == ["/data"]


def test_a_process_that_does_not_exist_fails_the_deployment(rig: Rig) -> None:
    app = rig.add_app("wrong", cron=[EVERY_TEN | {"process": "none"}])
    row = rig.built(app)
    rig.settle(app)
    failed = rig.deployment(row)
    assert failed.state == "failed"
    assert "names the process 'none'" in failed.detail
