"""A replica with a name of its own in its tenant's network: who finds it there, and as whom it runs."""

from __future__ import annotations

import pytest

from slipway.adapters.docker.runtime import DockerRuntime
from slipway.ports.runtime import MountedVolume, TerminalSpec
from tests.fixtures.engine import EnginePart
from tests.fixtures.waiting import eventually

pytestmark = pytest.mark.engine

SERVES = ("python", "-m", "http.server", "6379", "--directory", "/tmp")
CONNECTS = "import socket; socket.create_connection(('db', 6379), 5); print('reached')"
RESOLVES = "import socket\ntry:\n    print(socket.gethostbyname('db'))\nexcept OSError:\n    print('no such name')"


def said(runtime: DockerRuntime, container_id: str, *argv: str, **variables: str) -> str:
    terminal = runtime.open_terminal(container_id, TerminalSpec(argv, variables=variables))
    terminal.close_input()
    printed = b""
    while (found := terminal.read(timeout_s=5)) is not None:
        printed += b"".join(content for _, content in found)
    terminal.end()
    return printed.decode().strip()


def test_its_tenants_replicas_find_it_and_nobody_elses(runtime: DockerRuntime, engine: EnginePart) -> None:
    service = runtime.start(engine.spec(slot=1, alias="db", argv=SERVES))
    own, other = runtime.start(engine.spec(slot=2)), runtime.start(engine.spec("globex", slot=3))
    script = ("python", "-c", CONNECTS)
    eventually(lambda: said(runtime, own.container_id, *script) == "reached", within_s=30, what="it serves")
    assert said(runtime, own.container_id, "python", "-c", RESOLVES) == service.address
    assert said(runtime, other.container_id, "python", "-c", RESOLVES) == "no such name"


def test_a_command_of_it_does_not_have_its_name(runtime: DockerRuntime, engine: EnginePart) -> None:
    runtime.start_task(engine.spec(slot=4, alias="db"), ("sleep", "600"))
    own = runtime.start(engine.spec(slot=5))
    assert said(runtime, own.container_id, "python", "-c", RESOLVES) == "no such name"


def test_it_runs_as_its_account_which_owns_its_volume(runtime: DockerRuntime, engine: EnginePart) -> None:
    data = MountedVolume("named-data-1", "/srv/data")
    replica = runtime.start(engine.spec(slot=6, user="daemon", volumes=(data,)))
    script = "import os; open('/srv/data/x', 'w'); print(os.getuid(), os.stat('/srv/data').st_uid, os.environ['ASKED'])"
    assert said(runtime, replica.container_id, "python", "-c", script, ASKED="as one asks") == "1 1 as one asks"
