"""Following what goes on: deployments, builds and output, through restarts, in pipes and on terminals."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import pytest

from slipway.cli.exit_codes import Exit
from slipway.core.deployment.states import State
from slipway.domain import lifecycle
from slipway.models import App, Deployment, Replica
from tests.fixtures.releases import make_live
from tests.fixtures.services.redis_server import RedisServer
from tests.fixtures.waiting import eventually
from tests.integration.cli.rig import Platform, User, router_of, serving, user_of

FIRST = "2030-01-01T12:00:00.000000001Z"


@contextmanager
def reading(process: subprocess.Popen[str]) -> Iterator[list[str]]:
    """The lines that a process prints, as they come. It is ended at the end."""
    lines: list[str] = []

    def collect() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line.rstrip("\n"))

    thread = threading.Thread(target=collect)
    thread.start()
    try:
        yield lines
    finally:
        process.kill()
        thread.join()
        process.wait()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()


@contextmanager
def terminal(user: User, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """The command on a terminal of its own, and all that it writes there."""
    ours, theirs = pty.openpty()
    process = user.start(*arguments, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True)
    os.close(theirs)
    written: list[str] = []

    def collect() -> None:
        with contextlib.suppress(OSError):  # how a terminal tells that nobody writes to it any more
            while data := os.read(ours, 4096):
                written.append(data.decode(errors="replace"))

    thread = threading.Thread(target=collect)
    thread.start()
    try:
        yield process, written
    finally:
        process.kill()
        process.wait()
        thread.join()
        os.close(ours)


def newest(platform: Platform, app: str) -> int:
    with platform.api.services.db.read(platform="a test looks") as session:
        row = session.query(Deployment).join(App, App.id == Deployment.app_id).filter(App.name == app)
        found = row.order_by(Deployment.id.desc()).first()
        return found.id if found else 0


def screen(written: list[str]) -> list[str]:
    """What stays on the screen: without what was wiped."""
    text = re.sub(r"[^\n]*\r\x1b\[2K", "", "".join(written).replace("\r\n", "\n"))
    return click.unstyle(text).splitlines()


def test_a_deployment_is_followed_in_a_pipe_line_by_line(platform: Platform, slipway: User, app: str) -> None:
    process = slipway.start("deploy", "-a", app, "--ref", "main", "--watch")
    with reading(process) as lines:
        number = eventually(lambda: newest(platform, app), what="it was asked for")
        platform.advance(number, State.FETCHING, commit_sha="9" * 40, message="Fix the cart")
        eventually(lambda: lines, what="the heading")
        assert "✔" not in "".join(lines)
        platform.advance(number, State.BUILDING)
        eventually(lambda: len(lines) == 2, what="the step that ended, and no more")
        platform.advance(number, State.STARTING)
        eventually(lambda: len(lines) == 3)
        platform.advance(number, State.LIVE)
        assert process.wait(timeout=240) == Exit.DONE
        eventually(lambda: lines[-1].startswith("live  http"))
    assert lines[0].startswith(f'{app}  9999999 "Fix the cart"   asked for ')
    assert [line.split()[:2] for line in lines[1:4]] == [["✔", "fetch"], ["✔", "build"], ["✔", "start"]]
    assert "\x1b" not in "".join(lines)


def test_following_one_that_fails_is_code_1(platform: Platform, slipway: User, app: str) -> None:
    number = slipway("deploy", "-a", app, "--json").json["id"]
    slipway("deployments", "cancel", str(number))
    shown = slipway("deployments", "show", str(number), "--watch", code=Exit.FAILED)
    assert shown.lines[-1] == f"Ended cancelled · deployment {number}"
    assert slipway("deployments", "show", str(number), "--watch", "--json", code=Exit.FAILED).json["id"] == number


def test_on_a_terminal_the_running_step_spins_and_leaves_nothing_behind(
    platform: Platform, slipway: User, app: str
) -> None:
    with terminal(slipway, "deploy", "-a", app) as (process, written):
        number = eventually(lambda: newest(platform, app), what="it was asked for")
        eventually(lambda: "waits for a worker" in "".join(written))
        platform.advance(number, State.FETCHING, commit_sha="9" * 40)
        platform.advance(number, State.BUILDING)
        eventually(lambda: re.search(r"[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏] build", "".join(written)))
        platform.advance(number, State.STARTING)
        platform.advance(number, State.LIVE)
        assert process.wait(timeout=240) == Exit.DONE
        eventually(lambda: "live" in "".join(written))
    assert "\x1b[32m✔" in "".join(written)
    assert [line.split()[0] for line in screen(written)] == [app, "✔", "✔", "✔", "live"]


def test_no_color_holds_on_a_terminal_too(slipway: User, app: str) -> None:
    for name, coloured in (("", True), ("1", False)):
        slipway.environ["NO_COLOR"] = name
        with terminal(slipway, "apps") as (process, written):
            assert process.wait(timeout=240) == Exit.DONE
            eventually(lambda: app in "".join(written))
        assert ("\x1b[" in "".join(written)) is coloured


def test_ctrl_c_leaves_the_deployment_alone_and_says_how_to_come_back(
    platform: Platform, slipway: User, app: str
) -> None:
    process = slipway.start("deploy", "-a", app, "--watch")
    with reading(process) as lines:
        number = eventually(lambda: newest(platform, app))
        platform.advance(number, State.FETCHING, commit_sha="9" * 40)
        eventually(lambda: lines, what="it is followed")
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=240) == Exit.FAILED
        assert process.stderr is not None
        assert process.stderr.read() == f"Deployment {number} goes on: slipway deployments show {number} --watch\n"
    assert slipway("deployments", "show", str(number), "--json").json["state"] == "fetching"


def test_a_changed_variable_is_followed_until_it_serves(platform: Platform, slipway: User, app: str) -> None:
    first = running_replica(platform, app)
    process = slipway.start("env", "set", "-a", app, "A=1", "--watch")
    with reading(process) as lines:
        eventually(lambda: lines, what="what was set is shown at once")
        number = newest(platform, app)
        with platform.api.services.db.write(platform="a test's agent") as session:
            old = session.get_one(Replica, first).deployment_id
            lifecycle.advance(session.get_one(Deployment, old), State.RETIRED)
        platform.advance(number, State.STARTING)
        platform.advance(number, State.LIVE)
        assert process.wait(timeout=240) == Exit.DONE
        eventually(lambda: lines[-1].startswith("live  "))
    assert lines[0] == f"Set A on {app}. Restarting without downtime:"


def test_scaling_is_waited_for(platform: Platform, slipway: User, app: str) -> None:
    running_replica(platform, app)  # of the release before: it still serves
    running_replica(platform, app)
    process = slipway.start("scale", "2", "-a", app, "--watch")
    with reading(process) as lines:
        eventually(lambda: lines == ["  1 of 2 ready"])
        with platform.api.services.db.write(platform="a test's agent") as session:
            replicas = session.query(Replica).join(App, App.id == Replica.app_id).filter(App.name == app)
            first = replicas.order_by(Replica.id.desc()).first()
            assert first is not None
            values = {name: getattr(first, name) for name in ("tenant_id", "app_id", "release_id", "deployment_id")}
            session.add(Replica(**values, id=f"{first.id}-2", slot=1, state="ready"))
        assert process.wait(timeout=240) == Exit.DONE
        eventually(lambda: lines[1:] == [f"{app} web: 2 of 2 replicas ready."])
    late = slipway("scale", "3", "-a", app, "--watch", "--timeout", "0.5", code=Exit.TIMED_OUT)
    assert f"{app} web: 2 of 3 ready after 0.5 s." in late.err
    none = slipway("scale", "0", "-a", app, "--watch", "--timeout", "0.5", code=Exit.TIMED_OUT)
    assert f"{app} web: 2 ready, 0 wanted after 0.5 s." in none.err
    assert "of 0" not in none.err + none.out
    assert "replicas  3 ready, 0 wanted" in slipway("apps", "show", app).out  # of the release before, too


def test_a_build_log_is_followed_to_its_end(platform: Platform, slipway: User, app: str) -> None:
    number = slipway("deploy", "-a", app, "--json").json["id"]
    platform.log(number, "#1 FROM python")
    process = slipway.start("deployments", "log", str(number), "-f")
    with reading(process) as lines:
        eventually(lambda: lines == ["#1 FROM python"])
        platform.log(number, "#2 DONE")
        eventually(lambda: lines[1:] == ["#2 DONE"])
        platform.api.services.log.finish(number)
        assert process.wait(timeout=240) == Exit.DONE


def running_replica(platform: Platform, app: str) -> str:
    number = make_live(platform.api.services.db, app, ready=1)
    with platform.api.services.db.read(platform="a test looks") as session:
        return str(session.query(Replica.id).filter_by(deployment_id=number).scalar())


def test_output_is_followed_also_of_replicas_that_come(platform: Platform, slipway: User, app: str) -> None:
    first = running_replica(platform, app)
    platform.agent.say(first, f"{FIRST} one")
    process = slipway.start("logs", "-f", "-a", app)
    with reading(process) as lines:
        eventually(lambda: [line.split("  ")[2] for line in lines] == ["one"])
        platform.agent.say(first, f"{FIRST.replace('1Z', '2Z')} two")
        eventually(lambda: [line.split("  ")[2] for line in lines] == ["one", "two"])
        second = running_replica(platform, app)
        platform.agent.say(second, f"{FIRST} three")
        eventually(lambda: lines[-1].startswith("web.0 v2") and lines[-1].endswith("three"))
    assert lines[0].startswith("web.0 v1")


def test_ctrl_c_is_the_way_to_end_following_and_no_failure(platform: Platform, slipway: User, app: str) -> None:
    replica = running_replica(platform, app)
    platform.agent.say(replica, f"{FIRST} one")
    process = slipway.start("logs", "-f", "-a", app)
    with reading(process) as lines:
        eventually(lambda: lines)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=240) == Exit.DONE


def test_following_one_replica_ends_with_it_and_json_is_a_line_each(
    platform: Platform, slipway: User, app: str
) -> None:
    replica = running_replica(platform, app)
    platform.agent.say(replica, f"{FIRST} one")
    process = slipway.start("logs", "-f", "-a", app, "--replica", replica, "--json")
    with reading(process) as lines:
        eventually(lambda: lines)
        with platform.api.services.db.write(platform="a test's agent") as session:
            row = session.get_one(Replica, replica)
            row.state, row.ended_at = "gone", row.created_at
        platform.agent.end(replica)
        assert process.wait(timeout=240) == Exit.DONE
    assert json.loads(lines[0]) == {"replica": replica, "time": FIRST, "text": "one"}


@pytest.fixture
def restartable(sqlite_template: Path, own_redis: RedisServer) -> Iterator[Platform]:
    """A platform whose router a test starts and stops."""
    with tempfile.TemporaryDirectory(prefix="slipway-", dir="/tmp") as made:
        database = shutil.copy(sqlite_template, Path(made) / "slipway.db")
        with serving(Path(made), f"sqlite:///{database}", own_redis.url) as platform:
            yield platform


def test_following_outlives_a_restart_of_the_router(restartable: Platform, tmp_path: Path) -> None:
    user, app = user_of(restartable, tmp_path / "owner", "acme"), "shop"
    with contextlib.ExitStack() as followers:
        with router_of(restartable):
            user("apps", "create", app, "--repository", "https://github.com/acme/shop.git")
            replica = running_replica(restartable, app)
            restartable.agent.say(replica, f"{FIRST} one")
            number = user("deploy", "-a", app, "--json").json["id"]
            watching = user.start("deployments", "show", str(number), "--watch")
            steps = followers.enter_context(reading(watching))
            output = followers.enter_context(reading(user.start("logs", "-f", "-a", app)))
            restartable.advance(number, State.FETCHING, commit_sha="9" * 40)
            restartable.advance(number, State.BUILDING)
            eventually(lambda: len(steps) == 2, what="the first step is shown")
            eventually(lambda: len(output) == 1, what="the first line is shown")
        restartable.agent.say(replica, f"{FIRST.replace('1Z', '2Z')} two")  # while nobody serves the API
        with router_of(restartable):
            restartable.advance(number, State.STARTING)
            restartable.advance(number, State.CANCELLED)
            assert watching.wait(timeout=240) == Exit.FAILED
            eventually(lambda: len(output) == 2, what="what was printed meanwhile is shown, and nothing twice")
            restartable.agent.say(replica, f"{FIRST.replace('1Z', '3Z')} three")
            eventually(lambda: len(output) == 3)
    assert [line.split()[1] for line in steps[1:4]] == ["fetch", "build", "start"]
    assert [line.rpartition(" ")[2] for line in output] == ["one", "two", "three"]
