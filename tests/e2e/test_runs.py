"""Commands beside an app's replicas, on the whole platform: their output, their exit codes, their ends, and an agent
that is killed meanwhile."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.fixtures.stack import ROOT, Stack
from tests.fixtures.waiting import eventually

APP = "errands"


@pytest.fixture(scope="module")
def app(stack: Stack) -> Iterator[str]:
    checkout = stack.app(APP)
    stack.deploy(APP, checkout, "one")
    stack.cli("env", "set", "-a", APP, "GREETING=hello", "--no-watch")
    stack.ended(stack.deployments(APP)[0]["id"])
    yield APP
    stack.cli("apps", "delete", APP, "--confirm", APP)


def command(stack: Stack, *arguments: str, token: str = "") -> subprocess.Popen[str]:
    """The command, begun."""
    environment = stack.environment | {
        "SLIPWAY_TOKEN": token or stack.token,
        "SLIPWAY_URL": f"http://slipway.localhost:{stack.port}",
    }
    argv = [sys.executable, "-u", "-m", "slipway.cli", *arguments]
    return subprocess.Popen(argv, env=environment, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ended(process: subprocess.Popen[str], within_s: float = 90) -> tuple[int, str, str]:
    """Exit code, standard output, standard error."""
    out, err = process.communicate(timeout=within_s)
    return process.returncode, out, err


def runs(stack: Stack) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = stack.call("GET", f"/apps/{APP}/runs")["runs"]
    return listed


def tasks(stack: Stack) -> list[str]:
    return stack.containers("name=-acme-errands-", "label=slipway.task=1")


def output(stack: Stack, number: int) -> str:
    """Empty while the agent does not answer."""
    return stack.cli("runs", "output", str(number), "-a", APP, check=False)


def newest_running(stack: Stack) -> dict[str, Any]:
    """The newest run, once its container runs."""
    return eventually(lambda: next((each for each in runs(stack)[:1] if each["state"] == "running"), None), within_s=30)


def test_output_and_exit_code_are_the_commands_own(stack: Stack, app: str) -> None:
    script = (
        "import os, sys; print(os.environ['GREETING'], os.environ['PORT']); print('no', file=sys.stderr); sys.exit(3)"
    )
    code, out, err = ended(command(stack, "run", "-a", app, "--", "python", "-c", script))
    assert (code, sorted(out.split("\n"))) == (3, ["", "hello 8000", "no"]), err
    assert "failed: it ended: exit code 3" in err
    assert ended(command(stack, "run", "-a", app, "--", "python", "-c", "pass"))[0] == 0
    assert ended(command(stack, "run", "-a", app, "--", "no-such-program"))[0] == 127
    eventually(lambda: tasks(stack) == [], what="no container stays")
    number = runs(stack)[-1]["id"]
    assert "hello 8000" in stack.cli("runs", "output", str(number), "-a", app)


def test_ctrl_c_ends_it(stack: Stack, app: str) -> None:
    process = command(stack, "run", "-a", app, "--", "python", "-uc", "print('begun'); import time; time.sleep(600)")
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    assert f"run {runs(stack)[0]['id']}" in stack.cli("ps", "-a", app)
    process.send_signal(signal.SIGINT)
    code, _, err = ended(process)
    assert (code, runs(stack)[0]["state"]) == (130, "cancelled"), err
    eventually(lambda: tasks(stack) == [], what="its container is gone")


def test_it_may_be_left_alone_and_is_bounded_in_time(stack: Stack, app: str) -> None:
    said = stack.cli(
        "run", "-a", app, "--detach", "--timeout", "2", "--", "python", "-c", "import time; time.sleep(600)"
    )
    assert said.startswith(f"Run {runs(stack)[0]['id']} begins")
    eventually(lambda: runs(stack)[0]["reason"] == "timed-out", within_s=60, what="it is stopped")
    eventually(lambda: tasks(stack) == [], what="its container is gone")


def test_an_agent_that_is_killed_finds_it_again_and_the_command_ran_once(stack: Stack, app: str) -> None:
    script = "import time; print('one', flush=True); time.sleep(8); print('two', flush=True); raise SystemExit(5)"
    process = command(stack, "run", "-a", app, "--", "python", "-c", script)
    newest_running(stack)
    stack.kill("agent")
    assert tasks(stack) != [], "it runs on"
    code, out, err = ended(process)
    assert (code, out) == (5, "one\ntwo\n"), err
    eventually(lambda: tasks(stack) == [], within_s=30, what="its container is gone")


def test_one_that_ends_while_no_agent_runs_is_recorded(stack: Stack, app: str) -> None:
    stack.cli("run", "-a", app, "--detach", "--", "python", "-c", "import time; time.sleep(1.5); raise SystemExit(4)")
    newest_running(stack)
    pids = stack.pids("agent")
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        [container] = tasks(stack)
        eventually(lambda: not stack.engine.inspect_container(container)["State"]["Running"], what="it ends")
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
    eventually(lambda: runs(stack)[0]["state"] == "failed", within_s=30, what="its end is recorded")
    assert runs(stack)[0]["exit_code"] == 4


def test_a_viewer_may_not(stack: Stack, app: str) -> None:
    viewer = stack.cli_json("tokens", "create", "--tenant", "acme", "--name", "onlooker", "--role", "viewer")["token"]
    before = len(runs(stack))
    code, out, err = ended(command(stack, "run", "-a", app, "--", "true", token=viewer))
    assert (code, out, len(runs(stack))) == (5, "", before)
    assert "takes the role developer" in err
    assert ended(command(stack, "runs", "-a", app, token=viewer))[0] == 0


def test_each_tick_of_a_schedule_runs_once_though_the_agent_is_killed(stack: Stack, app: str) -> None:
    command_line = "python -uc \"import time; print('tick'); time.sleep(4)\""
    job = {"name": "minutely", "schedule": "* * * * *", "command": command_line}
    changed = stack.call("PATCH", f"/apps/{APP}", {"settings": {"cron": [job]}})
    stack.ended(changed["deployment"]["id"])
    [shown] = stack.cli_json("cron", "-a", app)["jobs"]
    assert (shown["name"], shown["last_run"]) == ("minutely", None)

    def ticks(state: str) -> list[dict[str, Any]]:
        return [each for each in runs(stack) if each["cron"] == "minutely" and each["state"] == state]

    for number in (1, 2):
        eventually(lambda: ticks("running"), within_s=90, what="a tick runs")
        stack.kill("agent")
        eventually(lambda number=number: len(ticks("succeeded")) == number, within_s=60, what="it ends well")
    stack.kill("agent")
    found = ticks("succeeded")
    assert len({each["tick"] for each in found}) == len(found) == 2
    for each in found:
        assert eventually(lambda number=each["id"]: output(stack, number), what="the agent answers") == "tick\n"
    assert "minutely" in stack.cli("cron", "runs", "minutely", "-a", app)

    viewer = stack.cli_json("tokens", "create", "--tenant", "acme", "--name", "reader", "--role", "viewer")["token"]
    assert ended(command(stack, "cron", "run", "minutely", "-a", app, token=viewer))[0] == 5
    assert ended(command(stack, "cron", "run", "minutely", "-a", app))[:2] == (0, "tick\n")
    stack.ended(stack.call("PATCH", f"/apps/{APP}", {"settings": {"cron": []}})["deployment"]["id"])
    assert stack.cli_json("cron", "-a", app) == {"jobs": []}
