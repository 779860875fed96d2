"""How deployments end early, and what comes before and after the replicas."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from builder.agent.change_detection import changed, fingerprints
from builder.agent.scope import Scope
from slipway.core.deployment.states import State
from slipway.core.rollout.actions import Switch
from slipway.core.rollout.listeners import Listener
from slipway.domain import intents
from slipway.errors import DeploymentFailed
from slipway.models import App, Deployment, Release, Replica, Scale, Variable, now
from slipway.ports.runtime import TaskResult
from tests.integration.agent.rig import NOT_READY, REFUSED, WHY, Rig


def set_variable(rig: Rig, app: App, name: str, value: str, *, secret: bool = False) -> None:
    where = (rig.tenant_id, app.id, "production", name)
    with rig.db.write(tenant_id=rig.tenant_id) as session:
        row = session.scalar(select(Variable).filter_by(app_id=app.id, name=name))
        if row is None:
            row = Variable(tenant_id=rig.tenant_id, app_id=app.id, name=name)
            session.add(row)
        row.sealed = rig.vault.seal(value, *where)
        row.is_secret = secret


def variables(rig: Rig, app: App) -> dict[str, str]:
    [container] = rig.running(app).values()
    return dict(container.spec.variables)


def test_a_pre_deploy_command_runs_before_the_replicas(rig: Rig) -> None:
    app = rig.add_app(pre_deploy="migrate --now")
    asked: list[tuple[str, ...]] = []
    run_task = rig.runtime.run_task

    def watched(spec, argv, *, timeout_s):  # type: ignore[no-untyped-def]
        asked.append(argv)
        assert rig.running(app) == {}
        return run_task(spec, argv, timeout_s=timeout_s)

    rig.runtime.run_task = watched  # type: ignore[method-assign]
    row = rig.live(app)
    assert asked == [("migrate", "--now")]
    assert [step["name"] for step in row.steps] == ["fetch", "build", "pre-deploy", "start", "switch"]


def test_a_pre_deploy_command_that_fails_ends_the_deployment(rig: Rig) -> None:
    app = rig.add_app(pre_deploy="migrate")
    set_variable(rig, app, "PASSWORD", "correct horse battery")
    rig.runtime.tasks["migrate",] = TaskResult(2, "no such table for correct horse battery")
    row = rig.built(app)
    rig.settle(app)
    row = rig.deployment(row)
    assert (row.state, row.reason, row.tail) == ("failed", "pre-deploy-failed", "no such table for •••")
    assert rig.replicas(app) == []


def test_a_pre_deploy_command_that_is_not_there_is_named(rig: Rig) -> None:
    app = rig.add_app(pre_deploy="migrate")
    rig.runtime.tasks["migrate",] = TaskResult(127, "sh: 1: exec: flask: not found")
    row = rig.built(app)
    rig.settle(app)
    assert rig.deployment(row).detail == "the pre-deploy command ended with exit code 127: flask is not in the image"
    assert rig.deployment(row).remedy.startswith("list the package that brings it")


def test_a_rollback_runs_no_pre_deploy_command(rig: Rig) -> None:
    app = rig.add_app(pre_deploy="migrate")
    rig.live(app)
    rig.live(app, "b" * 40)
    rig.runtime.tasks["migrate",] = TaskResult(1, "")
    back = rig.intend(app, intents.rollback, actor="a test")
    rig.settle(app)
    assert rig.deployment(back).state == "live"


def test_a_rollback_cancels_a_rollout_that_probes(rig: Rig) -> None:
    app = rig.add_app()
    first = rig.live(app)
    rig.live(app, "b" * 40)
    rig.prober.errors["*"] = NOT_READY
    third = rig.built(app, "c" * 40)
    rig.settle(app)
    assert len(rig.running(app)) == 2
    rig.prober.errors.clear()
    back = rig.intend(app, intents.rollback, actor="a test", to=1)
    rig.settle(app)
    assert rig.deployment(third).state == "cancelled"
    assert rig.deployment(back).state == "live"
    assert [row.release_id for row in rig.replicas(app)] == [first.release_id]


def test_a_rollback_takes_the_old_replicas_back_while_they_drain(rig: Rig) -> None:
    app = rig.add_app()
    rig.live(app)
    [old] = rig.replicas(app)
    rig.publisher.counts["edge-1", old.id] = 2
    rig.live(app, "b" * 40)
    assert len(rig.running(app)) == 2
    back = rig.intend(app, intents.rollback, actor="a test")
    rig.settle(app)
    assert rig.deployment(back).state == "live"
    assert [row.id for row in rig.replicas(app)] == [old.id]


def test_open_connections_keep_a_replica_until_the_grace_is_over(rig: Rig) -> None:
    app = rig.add_app()
    rig.live(app)
    [old] = rig.replicas(app)
    rig.publisher.counts["edge-1", old.id] = 2
    second = rig.live(app, "b" * 40)
    assert second.steps[-1]["name"] == "drain"
    assert second.steps[-1]["ended_at"] is None
    rig.ahead_s = 31
    rig.settle(app)
    assert len(rig.running(app)) == 1
    step = rig.deployment(second).steps[-1]
    assert step["ended_at"]
    assert step["note"] == "1 old replica, 2 still open when the grace was over"


def test_cancelling_after_the_switch_gives_the_targets_back(rig: Rig) -> None:
    app = rig.add_app()
    first = rig.live(app)
    before = rig.addresses(app)
    rig.publisher.confirm_at_once = False
    second = rig.built(app, "b" * 40)
    rig.settle(app)
    rig.change(second, stop_requested=str(State.CANCELLED), stop_why="cancelled by someone")
    rig.publisher.confirm_at_once = True
    rig.publisher.confirm()
    rig.settle(app)
    assert rig.deployment(second).state == "cancelled"
    assert rig.deployment(first).state == "live"
    assert rig.addresses(app) == before
    assert len(rig.running(app)) == 1


def test_an_older_push_that_was_built_later_is_superseded(rig: Rig) -> None:
    app = rig.add_app()
    first = rig.live(app)
    late = rig.built(app, "b" * 40)
    rig.change(late, state="building")
    newer = rig.live(app, "c" * 40)
    rig.change(late, state="starting")
    rig.settle(app)
    assert rig.deployment(late).state == "superseded"
    assert rig.deployment(newer).state == "live"
    assert rig.deployment(first).state == "retired"


def test_a_configuration_change_runs_the_live_image_with_new_variables(rig: Rig) -> None:
    app = rig.add_app()
    set_variable(rig, app, "COLOUR", "red")
    rig.live(app)
    assert variables(rig, app) == {"COLOUR": "red", "PORT": "8000"}
    set_variable(rig, app, "COLOUR", "green")
    change = rig.intend(app, intents.reconfigure, actor="a test", what="COLOUR set")
    rig.settle(app)
    assert rig.deployment(change).state == "live"
    assert variables(rig, app)["COLOUR"] == "green"
    old, new = rig.all(Release)
    assert (old.digest, old.number, new.number) == (new.digest, 1, 2)


def test_a_rollback_restores_the_configuration_too(rig: Rig) -> None:
    app = rig.add_app()
    set_variable(rig, app, "COLOUR", "red")
    rig.live(app)
    set_variable(rig, app, "COLOUR", "green")
    rig.live(app, "b" * 40)
    rig.intend(app, intents.rollback, actor="a test")
    rig.settle(app)
    assert variables(rig, app)["COLOUR"] == "red"


def test_the_files_settings_and_the_procfile_are_in_the_snapshot(rig: Rig) -> None:
    app = rig.add_app(port=9000)
    rig.live(app, file_settings={"port": 5000}, processes={"web": "serve --port $PORT"})
    [container] = rig.running(app).values()
    assert container.spec.argv == ("serve", "--port", "5000")
    assert rig.entry(app)["targets"][0]["port"] == 5000  # type: ignore[index]


def test_settings_that_break_a_rule_end_the_deployment(rig: Rig) -> None:
    app = rig.add_app()
    row = rig.built(app, file_settings={"port": 70000})
    rig.settle(app)
    assert rig.deployment(row).reason == "settings-invalid"
    assert "port" in rig.deployment(row).detail


def test_a_crash_at_start_shows_exit_code_and_last_lines_without_secrets(rig: Rig) -> None:
    app = rig.add_app()
    set_variable(rig, app, "API_KEY", "correct horse battery")
    start = rig.runtime.start

    def dies(spec):  # type: ignore[no-untyped-def]
        started = start(spec)
        container_id = started.container_id
        rig.runtime.containers[container_id].output.append(b"2026-01-01T00:00:00Z with correct horse battery\n")
        rig.runtime.die(container_id, exit_code=78)
        return started

    rig.runtime.start = dies  # type: ignore[method-assign]
    row = rig.built(app)
    rig.settle(app)
    row = rig.deployment(row)
    assert row.reason == "start-crashed"
    assert "exit code 78" in row.detail
    assert row.tail == "with •••"


def test_ordinary_values_of_variables_stay_readable_unless_they_are_marked(rig: Rig) -> None:
    app = rig.add_app()
    set_variable(rig, app, "MODE", "production")
    set_variable(rig, app, "INTERPRETER", "python3")
    set_variable(rig, app, "CODENAME", "bluebird", secret=True)
    set_variable(rig, app, "WEBHOOK_TARGET", "xK9vQ2mZ7pL4tR8w")
    said = "2026-01-01T00:00:00Z python3 in production of bluebird can't reach xK9vQ2mZ7pL4tR8w\n"
    start = rig.runtime.start

    def dies(spec):  # type: ignore[no-untyped-def]
        started = start(spec)
        rig.runtime.containers[started.container_id].output.append(said.encode())
        rig.runtime.die(started.container_id, exit_code=78)
        return started

    rig.runtime.start = dies  # type: ignore[method-assign]
    row = rig.built(app)
    rig.settle(app)
    assert rig.deployment(row).tail == "python3 in production of ••• can't reach •••"


def test_why_a_start_was_refused_shows_no_variable(rig: Rig) -> None:
    app = rig.add_app()
    set_variable(rig, app, "PASSWORD", "correct horse battery")
    refused = DeploymentFailed("start-refused", "exec: correct horse battery", remedy="take correct horse battery out")
    rig.runtime.refuse["acme-hello-web-r1-1"] = refused
    row = rig.built(app)
    rig.settle(app)
    row = rig.deployment(row)
    assert row.reason == "start-refused"
    assert "exec: •••" in row.detail
    assert "correct horse battery" not in row.detail + row.remedy + row.tail


def test_a_start_that_is_refused_says_why(rig: Rig) -> None:
    app = rig.add_app()
    rig.runtime.refuse["acme-hello-web-r1-1"] = DeploymentFailed("start-refused", "no such program", remedy="fix it")
    row = rig.built(app)
    rig.settle(app)
    row = rig.deployment(row)
    assert (row.reason, row.state) == ("start-refused", "failed")
    assert row.remedy == "fix it", "there is no output of one that never ran"


@pytest.mark.parametrize("printed", [b"", b"2026-01-01T00:00:00Z hello\n"])
def test_only_what_printed_something_is_to_be_read(rig: Rig, printed: bytes) -> None:
    row = fails_at_start(rig, printed, exit_code=1)
    assert ("slipway logs --replica" in row.remedy) == bool(printed)


def test_a_start_that_lacked_memory_says_so_and_how_to_give_more(rig: Rig) -> None:
    row = fails_at_start(rig, b"", exit_code=137, oom=True)
    assert row.detail == "replica web.1 ended: out of memory (64 MB)"
    assert "memory_mb under [resources] in slipway.toml (now 64)" in row.remedy
    assert row.remedy.count("memory_mb") == 1
    [replica] = rig.all(Replica)
    assert (replica.state, replica.last_crash["out_of_memory"]) == ("gone", True)


def test_a_process_that_was_killed_for_lack_of_memory_explains_a_probe_without_an_answer(rig: Rig) -> None:
    app = rig.add_app(resources={"memory_mb": 64}, timeouts={"probe_s": 60})
    rig.prober.errors["*"] = NOT_READY
    row = rig.built(app)
    rig.settle(app)
    rig.change(rig.replicas(app)[0], out_of_memory_at=now())
    rig.ahead_s = 70
    rig.settle(app)
    row = rig.deployment(row)
    assert row.reason == "start-probe-failed"
    assert row.remedy.startswith("a process was killed: out of memory (64 MB); give it more: memory_mb")


@pytest.mark.parametrize(
    ("sockets", "printed", "says"),
    [
        (
            [Listener("0.0.0.0", 5000)],
            "Running on http://127.0.0.1:5000",
            "it listens on port 5000, not on 8000 ($PORT)",
        ),
        (
            [Listener("127.0.0.1", 8000)],
            "ready",
            "it listens on 127.0.0.1:8000 only, which nothing outside its container ",
        ),
        ([], "KeyError: 'DATABASE_URL'", "DATABASE_URL is read but not set here"),
        ([], "warming up", "nothing in its container listens on any port"),
        (
            None,
            "Listening on 127.0.0.1:8000",
            "it listens on 127.0.0.1:8000 only, which nothing outside its container ",
        ),
    ],
)
def test_a_refused_probe_is_explained_by_the_containers_sockets_and_then_by_its_words(
    rig: Rig, sockets: list[Listener] | None, printed: str, says: str
) -> None:
    app = rig.add_app(timeouts={"probe_s": 60})
    rig.prober.errors["*"] = REFUSED
    rig.runtime.sockets = sockets
    row = rig.built(app)
    rig.settle(app)
    for container in rig.runtime.containers.values():
        container.output.append(f"2026-01-01T00:00:00Z {printed}\n".encode())
    rig.ahead_s = 70
    rig.settle(app)
    row = rig.deployment(row)
    assert row.detail.partition("): ")[2].startswith(says)
    assert ("slipway apps set timeouts.probe_s=240" in row.remedy) == (printed == "warming up")


def fails_at_start(rig: Rig, printed: bytes, **end: Any) -> Deployment:
    app = rig.add_app(resources={"memory_mb": 64})
    start = rig.runtime.start

    def dies(spec):  # type: ignore[no-untyped-def]
        started = start(spec)
        container_id = started.container_id
        rig.runtime.containers[container_id].output += [printed] if printed else []
        rig.runtime.die(container_id, **end)
        return started

    rig.runtime.start = dies  # type: ignore[method-assign]
    row = rig.built(app)
    rig.settle(app)
    return rig.deployment(row)


def test_the_first_deployment_takes_its_scale_from_the_settings(rig: Rig) -> None:
    app = rig.add_app(replicas=None, processes={"web": {"replicas": 3}})
    rig.live(app)
    assert len(rig.running(app)) == 3
    assert rig.all(Scale)[0].replicas == 3


def test_two_apps_do_not_wait_for_each_other(rig: Rig) -> None:
    slow, quick = rig.add_app("slow"), rig.add_app("quick")
    rig.prober.errors["*"] = NOT_READY
    rig.built(slow)
    rig.settle(slow)
    rig.prober.errors.clear()
    rig.live(quick, "b" * 40)


@pytest.mark.parametrize("kind", ["rollback", "configuration"])
def test_what_waits_in_queued_for_the_agent_is_taken_up(rig: Rig, kind: str) -> None:
    app = rig.add_app()
    rig.live(app)
    rig.live(app, "b" * 40)
    if kind == "rollback":
        row = rig.intend(app, intents.rollback, actor="a test")
    else:
        row = rig.intend(app, intents.reconfigure, actor="a test", what="a change")
    with rig.db.read(platform=WHY) as session:
        before = fingerprints(session, {})
    assert app.id in changed({}, before)
    rig.settle(app)
    assert rig.deployment(row).state == "live"


@pytest.mark.parametrize("meanwhile", ["a stop", "a newer deployment"])
def test_the_switch_looks_again_in_its_own_transaction(rig: Rig, meanwhile: str) -> None:
    app = rig.add_app()
    rig.live(app)
    before = rig.addresses(app)
    rig.prober.errors["*"] = NOT_READY
    second = rig.built(app, "b" * 40)
    rig.settle(app)
    if meanwhile == "a stop":
        rig.change(second, stop_requested="cancelled", stop_why="by someone")
    else:
        rig.change(rig.all(Deployment, state="live")[0], image_sequence=99)
    scope = Scope(app.id, rig.tenant_id, "production")
    new = [row.id for row in rig.replicas(app) if row.state == "starting"]
    assert not rig.agent.actions[Switch](scope, Switch(second.id, tuple(new)))
    assert rig.addresses(app) == before


def test_a_replica_that_is_being_stopped_is_not_taken_back(rig: Rig) -> None:
    app = rig.add_app()
    rig.live(app)
    [old] = rig.replicas(app)
    rig.publisher.counts["edge-1", old.id] = 1
    rig.live(app, "b" * 40)
    rig.publisher.counts.clear()
    rig.executor.held = True
    rig.settle(app)  # its stop has started
    back = rig.intend(app, intents.rollback, actor="a test")
    rig.settle(app)
    rig.executor.forget()  # the agent is killed
    rig.restart()
    rig.settle(app)
    assert rig.deployment(back).state == "live"
    assert old.id not in {row.id for row in rig.replicas(app)}
