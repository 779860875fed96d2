"""Programs in replicas, on the whole platform: through edge, router and agent, with a terminal and without."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.fixtures.stack import ROOT, Stack
from tests.fixtures.waiting import eventually

APP = "inside"


@pytest.fixture(scope="module")
def app(stack: Stack) -> Iterator[str]:
    checkout = stack.app(APP)
    stack.deploy(APP, checkout, "one")
    yield APP
    stack.cli("apps", "delete", APP, "--confirm", APP)


def environment(stack: Stack, token: str = "") -> dict[str, str]:
    where = {"SLIPWAY_TOKEN": token or stack.token, "SLIPWAY_URL": f"http://slipway.localhost:{stack.port}"}
    return stack.environment | where


def execute(stack: Stack, *words: str, given: bytes = b"", token: str = "") -> subprocess.CompletedProcess[bytes]:
    argv = [sys.executable, "-m", "slipway.cli", "exec", "-a", APP, "--", *words]
    return subprocess.run(
        argv, env=environment(stack, token), cwd=ROOT, input=given, capture_output=True, timeout=60, check=False
    )


def replica(stack: Stack) -> dict[str, Any]:
    [found] = stack.call("GET", f"/apps/{APP}/replicas")["replicas"]
    return dict(found)


def processes(stack: Stack) -> list[str]:
    """The command lines in the replica's container."""
    [container] = stack.containers("name=-acme-inside-")
    found = stack.engine.top(container)
    return [" ".join(row[found["Titles"].index("CMD") :]) for row in found["Processes"]]


def test_input_outputs_and_exit_code_are_the_programs_own(stack: Stack, app: str) -> None:
    program = "import sys; print(sys.stdin.read().upper(), end=''); print('no', file=sys.stderr); sys.exit(5)"
    done = execute(stack, "python", "-c", program, given=b"hello\n" * 30_000)
    assert (done.returncode, done.stdout, done.stderr) == (5, b"HELLO\n" * 30_000, b"no\n")
    assert execute(stack, "no-such-program").returncode in (126, 127)
    assert execute(stack, "python", "-c", "import os; print(os.environ['PORT'])").stdout == b"8000\n"


def test_a_shell_in_a_terminal_has_its_size_and_its_keys(stack: Stack, app: str) -> None:
    ours, theirs = pty.openpty()
    import fcntl
    import struct
    import termios

    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 101, 0, 0))
    argv = [sys.executable, "-m", "slipway.cli", "exec", "-a", APP, "--replica", replica(stack)["id"]]
    process = subprocess.Popen(argv, env=environment(stack), cwd=ROOT, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    screen = bytearray()

    def read() -> None:
        try:
            while data := os.read(ours, 4096):
                screen.extend(data)
        except OSError:
            return

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    os.write(ours, b"stty size; tty; echo $TERM\n")  # typed before there is a shell
    eventually(lambda: b"33 101" in screen and b"/dev/pts/" in screen and b"xterm" in screen, what="it is a terminal")
    os.write(ours, b"sleep 600\n")
    eventually(lambda: any("sleep 600" in line for line in processes(stack)), what="a program runs in it")
    os.write(ours, b"\x03")  # Ctrl-C is the program's
    eventually(lambda: not any("sleep 600" in line for line in processes(stack)), what="it is interrupted")
    os.write(ours, b"exit 7\n")
    assert process.wait(30) == 7
    os.close(ours)
    reader.join(10)


@pytest.mark.parametrize("who", ["client", "agent", "router"])
def test_whoever_is_killed_nothing_of_it_is_left(stack: Stack, app: str, who: str) -> None:
    argv = [sys.executable, "-m", "slipway.cli", "exec", "-a", APP, "--", "sh", "-c", "sleep 1234 & sleep 1235; wait"]
    process = subprocess.Popen(argv, env=environment(stack), cwd=ROOT, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    eventually(lambda: sum("sleep 123" in line for line in processes(stack)) >= 2, what="it runs")
    if who == "client":
        process.kill()
    else:
        stack.kill(who)
    eventually(lambda: not any("sleep 123" in line for line in processes(stack)), within_s=30, what="all of it is gone")
    process.communicate(timeout=30)
    assert process.returncode != 0
    assert replica(stack)["state"] == "ready", "the replica runs on"
    eventually(lambda: execute(stack, "true").returncode == 0, within_s=30, what="another one is opened")


def test_it_ends_with_the_token_that_opened_it(stack: Stack, app: str) -> None:
    made = stack.cli_json("tokens", "create", "--tenant", "acme", "--name", "guest", "--role", "developer")
    argv = [sys.executable, "-m", "slipway.cli", "exec", "-a", APP, "--", "sleep", "1236"]
    where = environment(stack, made["token"])
    process = subprocess.Popen(argv, env=where, cwd=ROOT, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    eventually(lambda: any("sleep 1236" in line for line in processes(stack)), what="it runs")
    stack.cli("tokens", "revoke", str(made["id"]))
    eventually(lambda: not any("sleep 1236" in line for line in processes(stack)), within_s=30, what="it is gone")
    process.communicate(timeout=30)
    assert process.returncode == 1


def test_a_viewer_may_not_and_everything_is_recorded(stack: Stack, app: str) -> None:
    made = stack.cli_json("tokens", "create", "--tenant", "acme", "--name", "observer", "--role", "viewer")
    refused = execute(stack, "true", token=made["token"])
    assert (refused.returncode, refused.stdout) == (5, b"")
    assert b"takes the role developer" in refused.stderr
    assert execute(stack, "sh", "-c", "exit 3").returncode == 3

    def recorded() -> Any:
        entries = stack.call("GET", "/audit?limit=100")["entries"]
        found = [each for each in entries if each["action"].startswith("terminal.")]
        return found if found and found[0]["action"] == "terminal.close" else None

    close, begin = eventually(recorded, what="its end is recorded")[:2]
    assert (begin["action"], begin["subject"], begin["actor"]) == ("terminal.open", APP, "token:tests")
    assert begin["detail"] == {"replica": replica(stack)["id"], "command": "sh -c 'exit 3'", "terminal": False}
    assert close["detail"]["replica"] == begin["detail"]["replica"]
    assert json.dumps(close["detail"]["seconds"])
