"""Commands beside replicas, as the agent starts, watches and ends them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from builder.agent.runs import retention
from builder.agent.runs.output import RunOutput
from builder.agent.runs.retention import trim_runs
from slipway.core.runs.states import Stop
from slipway.domain import intents
from slipway.domain.runs import lifecycle
from slipway.errors import Conflict, DeploymentFailed, InvalidInput, TooManyCalls
from slipway.models import Address, App, Replica, Run, now
from tests.integration.agent.rig import Rig
from tests.integration.agent.runs.conftest import Begin, begin_run, row_of, task_of


def running(rig: Rig, app: App, run: Run) -> str:
    """Its container's id, once the agent has started it."""
    rig.agent.runs.run(app.id)
    row = row_of(rig, run)
    assert (row.state, row.detail) == ("running", "")
    return str(row.container_id)


def stop(rig: Rig, run: Run, why: Stop = Stop.CANCELLED) -> None:
    with rig.db.write(platform="a test stops it") as session:
        lifecycle.request_stop(session.get_one(Run, run.id), why)


def test_a_command_runs_in_a_container_of_the_live_release_and_its_end_is_recorded(
    rig: Rig, app: App, begin: Begin
) -> None:
    run = begin("python", "-c", "print(${PORT})", process="work")
    container_id = running(rig, app, run)
    spec = rig.runtime.containers[container_id].spec
    [replica] = rig.replicas(app, process="web")
    served = rig.runtime.containers[str(replica.container_id)].spec
    assert (spec.digest, spec.variables, spec.memory_bytes) == (served.digest, served.variables, served.memory_bytes)
    assert (spec.process, spec.tenant) == ("work", "acme")
    assert rig.runtime.started_tasks == [("python", "-c", "print(${PORT})")], "a script's own words stay"
    rig.runtime.containers[container_id].output.append(b"2026-01-01T00:00:01Z done\n")
    rig.runtime.die(container_id, exit_code=3)
    rig.agent.runs.run(app.id)
    ended = row_of(rig, run)
    assert (ended.state, ended.exit_code, ended.reason) == ("failed", 3, "exit-code")
    assert task_of(rig, run) is None
    assert list(rig.agent.holder_output.so_far(f"run-{run.id}", None)) == [b"2026-01-01T00:00:01Z done\n"]
    assert [row.replica_id for row in rig.all(Address) if row.replica_id == f"run-{run.id}"] == []


def test_neither_routes_nor_replicas_know_of_it(rig: Rig, app: App, begin: Begin) -> None:
    before = rig.entry(app)
    running(rig, app, begin())
    rig.settle(app)
    assert rig.entry(app) == before
    assert len(rig.all(Replica)) == 2


def test_it_outlives_the_release_that_it_is_of(rig: Rig, app: App, begin: Begin) -> None:
    run = begin()
    container_id = running(rig, app, run)
    row = rig.built(app, "b" * 40)
    rig.settle(app)
    rig.ahead_s = 2
    rig.settle(app)
    assert rig.deployment(row).state == "live"
    rig.agent.orphans.remove(rig.runtime.list())
    assert rig.runtime.containers[container_id].observed.running
    assert row_of(rig, run).state == "running"


def test_one_that_takes_too_long_is_stopped(rig: Rig, app: App, begin: Begin) -> None:
    run = begin(timeout_s=60.0)
    container_id = running(rig, app, run)
    until = rig.agent.runs.run(app.id)
    assert until is not None
    assert 0 < until - rig.clock() <= 60
    rig.ahead_s = 61
    rig.agent.runs.run(app.id)
    assert not rig.runtime.containers[container_id].observed.running
    rig.agent.runs.run(app.id)
    ended = row_of(rig, run)
    assert (ended.state, ended.reason, task_of(rig, run)) == ("failed", "timed-out", None)


def test_one_that_somebody_stops_is_cancelled_before_and_after_it_began(rig: Rig, app: App, begin: Begin) -> None:
    first, second = begin(), begin()
    stop(rig, first)
    rig.agent.runs.run(app.id)
    stop(rig, second)
    for _ in range(2):
        rig.agent.runs.run(app.id)
    assert [(row.state, row.reason) for row in rig.all(Run)] == [("cancelled", "cancelled")] * 2
    assert len(rig.runtime.started_tasks) == 1
    assert task_of(rig, second) is None


def test_one_that_is_stopped_while_its_start_waits_is_not_started(rig: Rig, app: App, begin: Begin) -> None:
    run = begin()
    rig.executor.held = True
    rig.agent.runs.run(app.id)
    stop(rig, run)
    rig.executor.resume()
    assert (rig.runtime.started_tasks, row_of(rig, run).state) == ([], "pending")
    rig.agent.runs.run(app.id)
    assert row_of(rig, run).state == "cancelled"


def test_one_whose_container_somebody_removed_is_lost_and_not_run_again(rig: Rig, app: App, begin: Begin) -> None:
    run = begin()
    rig.runtime.remove(running(rig, app, run))
    rig.agent.runs.run(app.id)
    assert (row_of(rig, run).reason, len(rig.runtime.started_tasks)) == ("container-lost", 1)


def test_one_that_ended_while_no_agent_ran_is_recorded(rig: Rig, app: App, begin: Begin) -> None:
    run = begin()
    container_id = running(rig, app, run)
    rig.runtime.die(container_id, exit_code=0)
    rig.restart()
    rig.agent.orphans.remove(rig.runtime.list())
    rig.agent.runs.run(app.id)
    assert (row_of(rig, run).state, len(rig.runtime.started_tasks)) == ("succeeded", 1)


def test_one_that_the_runtime_refuses_says_why(rig: Rig, app: App, begin: Begin) -> None:
    run = begin()
    [replica] = rig.replicas(app, process="web")
    spec = rig.runtime.containers[str(replica.container_id)].spec
    name = spec.name.removesuffix(f"-{spec.slot}") + f"-{run.id}"
    rig.runtime.refuse[name] = DeploymentFailed("start-refused", "no such user", remedy="name another")
    rig.agent.runs.run(app.id)
    ended = row_of(rig, run)
    assert (ended.state, ended.reason, ended.detail) == ("failed", "start-refused", "no such user")


def test_out_of_memory_is_named(rig: Rig, app: App, begin: Begin) -> None:
    run = begin()
    rig.runtime.die(running(rig, app, run), exit_code=137, oom=True)
    rig.agent.runs.run(app.id)
    assert row_of(rig, run).detail.startswith("it ended: out of memory (")


def test_a_deleted_app_ends_its_runs_and_waits_for_that(rig: Rig, app: App, begin: Begin) -> None:
    run = begin()
    container_id = running(rig, app, run)
    rig.change(app, deleted_at=now())
    rig.settle(app)
    assert rig.delete_apps(lambda: pytest.fail("it was built"), None) == 0
    rig.agent.runs.run(app.id)
    assert not rig.runtime.containers[container_id].observed.running
    rig.agent.runs.run(app.id)
    assert (row_of(rig, run).reason, task_of(rig, run)) == ("app-deleted", None)


def test_a_container_without_a_run_under_way_is_removed(rig: Rig, app: App, begin: Begin) -> None:
    run = begin()
    container_id = running(rig, app, run)
    with rig.db.write(platform="a test") as session:
        session.delete(session.get_one(Run, run.id))
    rig.agent.orphans.remove(rig.runtime.list())
    assert container_id not in rig.runtime.containers


@pytest.mark.parametrize(
    ("wanted", "error"),
    [({"process": "none"}, InvalidInput), ({"command": []}, InvalidInput), ({"command": ["a\0b"]}, InvalidInput)],
)
def test_what_can_not_run_is_refused(begin: Begin, wanted: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        begin(**wanted)


def test_nothing_runs_of_an_app_that_is_not_live(rig: Rig) -> None:
    with pytest.raises(Conflict, match="not live yet"):
        begin_run(rig, rig.add_app("other"))


def test_only_so_many_run_at_a_time(begin: Begin) -> None:
    for _ in range(10):
        begin()
    with pytest.raises(TooManyCalls):
        begin()


def test_a_volume_that_is_not_shared_is_one_containers_at_a_time(rig: Rig) -> None:
    app = rig.add_app("alone", volumes=[{"path": "/data", "shared": False}])
    rig.live(app)
    with pytest.raises(Conflict, match="not shared"):
        begin_run(rig, app)
    rig.intend(app, intents.scale, process="web", replicas=0)
    rig.settle(app)
    rig.ahead_s = 3600
    rig.settle(app)
    run = begin_run(rig, app)
    rig.agent.runs.run(app.id)
    found = task_of(rig, run)
    assert found is not None
    assert [each.path for each in found.spec.volumes] == ["/data"]
    with pytest.raises(Conflict, match="not shared"):
        begin_run(rig, app)


@pytest.fixture
def alone(rig: Rig) -> App:
    """A live app with a volume that is not shared, and no replica."""
    app = rig.add_app("alone", volumes=[{"path": "/data", "shared": False}])
    rig.live(app)
    rig.intend(app, intents.scale, process="web", replicas=0)
    rig.settle(app)
    rig.ahead_s = 3600
    rig.settle(app)
    rig.ahead_s = 0
    assert rig.replicas(app) == []
    return app


def test_a_replica_waits_for_a_run_that_has_its_volume(rig: Rig, alone: App) -> None:
    run = begin_run(rig, alone)
    rig.intend(alone, intents.scale, process="web", replicas=1)
    rig.settle(alone)
    assert rig.replicas(alone) == [], "it is pending"
    container_id = running(rig, alone, run)
    rig.settle(alone)
    assert rig.replicas(alone) == []
    rig.runtime.die(container_id, exit_code=0)
    rig.agent.runs.run(alone.id)
    rig.settle(alone)
    assert [row.state for row in rig.replicas(alone)] == ["ready"]


def test_a_deployment_waits_for_a_run_that_has_its_volume(rig: Rig, alone: App) -> None:
    rig.intend(alone, intents.scale, process="web", replicas=1)
    rig.change(alone, settings=alone.settings | {"pre_deploy": "migrate"})
    run = begin_run(rig, alone)
    container_id = running(rig, alone, run)
    row = rig.built(alone, "b" * 40)
    rig.settle(alone)
    assert (rig.replicas(alone), rig.deployment(row).state) == ([], "starting")
    assert len(rig.runtime.started_tasks) == 1, "the run"
    rig.runtime.die(container_id, exit_code=0)
    rig.agent.runs.run(alone.id)
    rig.settle(alone)
    assert rig.deployment(row).state == "live"


def test_no_run_begins_beside_a_pre_deploy_command_that_has_its_volume(rig: Rig, alone: App) -> None:
    rig.change(alone, settings=alone.settings | {"pre_deploy": "migrate"})
    rig.executor.held = True
    row = rig.built(alone, "b" * 40)
    rig.settle(alone)
    assert (rig.replicas(alone), rig.deployment(row).steps[-1]["name"]) == ([], "pre-deploy")
    with pytest.raises(Conflict, match="not shared"):
        begin_run(rig, alone)
    rig.executor.resume()
    rig.settle(alone)
    assert rig.deployment(row).state == "live"
    assert begin_run(rig, alone).state == "pending", "the command has ended"


def test_no_pre_deploy_command_begins_beside_a_run_that_began_after_the_pass_looked(rig: Rig, alone: App) -> None:
    rig.change(alone, settings=alone.settings | {"pre_deploy": "migrate"})
    rig.executor.held = True
    row = rig.built(alone, "b" * 40)
    rig.settle(alone)
    steps = rig.deployment(row).steps
    rig.change(rig.deployment(row), steps=[])
    run = begin_run(rig, alone)
    rig.change(rig.deployment(row), steps=steps)
    rig.executor.resume()
    step = rig.deployment(row).steps[-1]
    assert (step["name"], step["ended_at"]) == ("pre-deploy", None), "it waits"
    rig.runtime.die(running(rig, alone, run), exit_code=0)
    rig.agent.runs.run(alone.id)
    rig.settle(alone)
    assert rig.deployment(row).state == "live"


def test_no_replica_begins_beside_a_run_that_began_after_the_pass_looked(rig: Rig, alone: App) -> None:
    rig.intend(alone, intents.scale, process="web", replicas=1)
    reserve = rig.runtime.reserve

    def run_begins(tenant_id: int, replica_id: str) -> None:
        reserve(tenant_id, replica_id)
        if not rig.all(Run):
            begin_run(rig, alone)

    rig.runtime.reserve = run_begins  # type: ignore[method-assign]
    rig.settle(alone)
    assert ([row.state for row in rig.all(Run)], rig.replicas(alone)) == (["pending"], [])


def test_output_is_followed_from_its_container_to_its_end(rig: Rig, app: App, begin: Begin) -> None:
    run = begin()
    follow = RunOutput(rig.db, rig.runtime, rig.agent.output_store).follow
    assert list(follow(run.id, None, "")) == [], "it has not begun"
    container_id = running(rig, app, run)
    rig.runtime.containers[container_id].output += [b"2026-01-01T00:00:01Z 1\n", b"2026-01-01T00:00:02Z 2\n"]
    lines = follow(run.id, None, "2026-01-01T00:00:01Z")
    assert next(line for line in lines if line) == b"2026-01-01T00:00:02Z 2\n"
    rig.runtime.die(container_id, exit_code=0)
    rig.agent.runs.run(app.id)
    assert list(follow(run.id, None, "2026-01-01T00:00:01Z")) == [b"2026-01-01T00:00:02Z 2\n"]


def test_the_newest_runs_are_kept_with_what_they_printed(
    rig: Rig, app: App, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "KEPT", 3)
    runs = []
    for _ in range(5):
        runs.append(run := begin())
        container_id = running(rig, app, run)
        rig.runtime.containers[container_id].output.append(b"2026-01-01T00:00:01Z 1\n")
        rig.runtime.die(container_id, exit_code=0)
        rig.agent.runs.run(app.id)
    pending = begin()
    store = rig.agent.output_store
    assert trim_runs(rig.db, store, days=1) == 2
    assert [row.id for row in rig.all(Run)] == [each.id for each in (*runs[2:], pending)]
    assert [bool(list(store.kept(f"run-{each.id}"))) for each in runs] == [False, False, True, True, True]
    for row in rig.all(Run):
        rig.change(row, ended_at=row.ended_at and now() - timedelta(days=2))
    assert trim_runs(rig.db, store, days=1) == 2
    assert [row.id for row in rig.all(Run)] == [runs[-1].id, pending.id]


def ended(rig: Rig, app: App, *jobs: tuple[str, int | None]) -> list[int]:
    """Runs that ended just now, by their jobs and the minutes of their ticks; None: begun by hand."""
    hour = datetime(2026, 1, 1, tzinfo=UTC)
    with rig.db.write(platform="a test") as session:
        values = {"tenant_id": app.tenant_id, "app_id": app.id, "command": ["true"], "timeout_s": 60, "actor": "a test"}
        rows = [
            Run(
                **values,
                cron=job,
                tick=None if minute is None else hour + timedelta(minutes=minute),
                state="succeeded",
                ended_at=now(),
            )
            for job, minute in jobs
        ]
        session.add_all(rows)
        session.flush()
        return [row.id for row in rows]


def test_all_that_are_too_many_go_at_once_and_of_an_app_are_only_so_many(
    rig: Rig, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("KEPT", 3), ("KEPT_OF_APP", 4), ("AT_ONCE", 2)):
        monkeypatch.setattr(retention, name, value)
    rare = ended(rig, app, ("rare", 0))
    ended(rig, app, *(("a", minute) for minute in range(4)))
    kept = ended(rig, app, *(("a", minute) for minute in range(10, 11)), *(("b", minute) for minute in range(3)))
    assert trim_runs(rig.db, rig.agent.output_store, days=1) == 4
    assert [row.id for row in rig.all(Run)] == [*rare, *kept]


def test_the_newest_tick_of_a_job_outlives_newer_runs_by_hand(
    rig: Rig, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "KEPT", 2)
    runs = ended(rig, app, ("a", 0), ("a", 1), *[("a", None)] * 3)
    trim_runs(rig.db, rig.agent.output_store, days=1)
    assert [row.id for row in rig.all(Run)] == [runs[1], *runs[3:]]
    for row in rig.all(Run):
        rig.change(row, ended_at=now() - timedelta(days=2))
    trim_runs(rig.db, rig.agent.output_store, days=1)
    assert [row.id for row in rig.all(Run)] == [runs[1], runs[-1]]
