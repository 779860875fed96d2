"""Apps that fail at their start in containers of the real Engine: what their owner reads of each."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from builder.agent.telemetry import output
from slipway.adapters.docker.runtime import DockerRuntime
from slipway.core.causes.starts import Start, cause
from slipway.core.rollout.failure import ProbeCause, ProbeError
from slipway.ports.runtime import Observed
from tests.fixtures.engine import EnginePart
from tests.fixtures.waiting import eventually

pytestmark = pytest.mark.engine

REFUSED = ProbeError(ProbeCause.REFUSED, "GET :8000/ was refused")
LISTENS = "import socket, time; open = socket.create_server({}); print('ready', flush=True); time.sleep(600)"
SCRIPT = "printf '#!/bin/sh\\r\\nset -e\\r\\n' > /tmp/start.sh && "


@dataclass(frozen=True)
class Case:
    argv: tuple[str, ...]
    sentence: str
    runs: bool = False
    read_only: bool = True


def python(program: str, sentence: str, **more: bool) -> Case:
    return Case(("python", "-c", program), sentence, **more)


def shell(script: str, sentence: str, **more: bool) -> Case:
    return Case(("sh", "-c", script), sentence, **more)


CASES = {
    "a command that is not there": Case(("gunicorn", "app:app"), "gunicorn is not in the image"),
    "cd without a shell": Case(
        ("cd", "shop", "&&", "python", "app.py"),
        "the command begins with cd, which only a shell knows, and no shell runs it",
    ),
    "a file that may not be run": Case(
        ("/etc/hostname",), "/etc/hostname may not be run: it is a folder, or not marked as executable"
    ),
    "CR in a script": shell(
        f"{SCRIPT} sh /tmp/start.sh",
        "/tmp/start.sh has line ends of Windows (CR), which its interpreter takes for a part of each line",
    ),
    "CR in a script's first line": shell(
        f"{SCRIPT} chmod +x /tmp/start.sh && exec /tmp/start.sh",
        "/tmp/start.sh can't be started: it is not in the image, or its first line names a program that is not "
        "(as a line end of Windows does)",
        read_only=False,
    ),
    "a program in /tmp": shell("cp /bin/true /tmp/t && exec /tmp/t", "/tmp/t may not be run: nothing runs from /tmp"),
    "the end at once": Case(("true",), "it ended as if its work were done"),
    "a variable": python("import os; os.environ['DATABASE_URL']", "DATABASE_URL is read but not set here"),
    "a package": python("import flask_shop", "flask_shop is imported but not installed"),
    "a read-only root": python("open('/app.log', 'w')", "/app.log can't be written: the root file system is read-only"),
    "SQLite on a read-only root": python(
        "import sqlite3; sqlite3.connect('/shop.db').execute('create table a (b)')",
        "SQLite can't write its database: the root file system is read-only",
    ),
    "a home that can't be written": shell("mkdir ~/.npm", "its home folder can't be written (/root/.npm)"),
    "another user": Case(
        ("su", "nobody", "-s", "/bin/sh"), "it starts as root to change its user, which no container may do here"
    ),
    "more threads than there may be": python(
        "import threading, time\nfor n in range(90): threading.Thread(target=time.sleep, args=(9,)).start()",
        "it may start no more processes and threads",
    ),
    "a silent bind to the loopback": python(
        LISTENS.format("('127.0.0.1', 8000)"),
        "it listens on 127.0.0.1:8000 only, which nothing outside its container can reach",
        runs=True,
    ),
    "another port": python(
        LISTENS.format("('0.0.0.0', 5000)"), "it listens on port 5000, not on 8000 ($PORT)", runs=True
    ),
    "no port": python(
        "import time; print('ready', flush=True); time.sleep(600)",
        "nothing in its container listens on any port",
        runs=True,
    ),
    "a port too late": python(
        LISTENS.format("('0.0.0.0', 8000)"), "it listens on port 8000 by now, which was too late", runs=True
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_failing_app_is_explained(runtime: DockerRuntime, engine: EnginePart, name: str) -> None:
    case = CASES[name]
    container_id = runtime.start(engine.spec(argv=case.argv, read_only=case.read_only)).container_id
    if case.runs:
        eventually(lambda: list(runtime.logs(container_id)), what="it is ready")
    else:
        eventually(lambda: not only(runtime).running, what="it ends")
    found = cause(
        Start(
            printed=output.tail(runtime, container_id, 400),
            port=8000,
            exit_code=only(runtime).exit_code,
            probe=REFUSED if case.runs else None,
            listeners=runtime.listeners(container_id) if case.runs else None,
            read_only=case.read_only,
        )
    )
    assert found
    assert found.sentence == case.sentence
    assert found.remedy


def only(runtime: DockerRuntime) -> Observed:
    (one,) = runtime.list()
    return one
