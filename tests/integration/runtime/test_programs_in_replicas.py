"""Programs beside a replica's own, as only the real Engine can show them."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable

import pytest

from slipway.adapters.docker import exec_session, follow
from slipway.adapters.docker.engine import CALL_TIMEOUT_S
from slipway.adapters.docker.exec_session import ExecSession
from slipway.adapters.docker.runtime import DockerRuntime
from slipway.adapters.linux import cgroups
from slipway.core.terminal.channels import Size
from slipway.errors import DependencyUnavailable, HostUnready
from slipway.ports.runtime import TerminalSpec
from tests.fixtures.engine import EnginePart
from tests.fixtures.waiting import eventually

pytestmark = pytest.mark.engine

MUCH = b"x" * (8 << 20)


@pytest.fixture
def replica(runtime: DockerRuntime, engine: EnginePart) -> str:
    return runtime.start(engine.spec()).container_id


def running(engine: EnginePart, container_id: str, what: str) -> int:
    return sum(what in row[-1] for row in engine.api.top(container_id)["Processes"])


class ReadWhileWriting(socket.socket):
    """Whoever writes is overtaken by one who reads, at the worst moment."""

    read: Callable[[], object] = staticmethod(lambda: None)

    def sendall(self, data: bytes, flags: int = 0, /) -> None:  # type: ignore[override]
        self.read()
        super().sendall(data, flags)


def test_all_input_arrives_while_the_output_is_waited_for(
    runtime: DockerRuntime, replica: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[ReadWhileWriting] = []

    def connected(url: str) -> ReadWhileWriting:
        made.append(ReadWhileWriting(fileno=follow.connected(url).detach()))
        made[0].settimeout(CALL_TIMEOUT_S)
        return made[0]

    monkeypatch.setattr(exec_session, "connected", connected)
    terminal = runtime.open_terminal(replica, TerminalSpec(("sh", "-c", "dd bs=1 2> /dev/null | wc -c")))
    made[0].read = lambda: terminal.read(timeout_s=0.001)
    terminal.write(MUCH[: 2 << 20])
    terminal.close_input()
    printed = b""
    while (found := terminal.read(timeout_s=1)) is not None:
        printed += b"".join(content for _, content in found)
    terminal.end()
    assert int(printed) == 2 << 20


def test_who_writes_what_is_not_taken_is_let_go_at_the_end(
    runtime: DockerRuntime, replica: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the program can not be ended."""
    terminal = runtime.open_terminal(replica, TerminalSpec(("sleep", "1235")))
    is_writing = threading.Event()

    def write() -> None:
        is_writing.set()
        terminal.write(MUCH)

    writing = threading.Thread(target=write, daemon=True)
    writing.start()
    is_writing.wait()
    with monkeypatch.context() as patched:
        patched.setattr(exec_session, "_end_marked", lambda *_: None)
        terminal.end()
    writing.join(timeout=20)
    assert not writing.is_alive()
    terminal.end()


def test_a_program_whose_terminal_can_not_be_made_ready_is_ended(
    runtime: DockerRuntime, engine: EnginePart, replica: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        eventually(lambda: running(engine, replica, "sleep 1236"), what="the program runs")
        raise DependencyUnavailable("the Engine is lost in this test")

    monkeypatch.setattr(ExecSession, "resize", refuse)
    with pytest.raises(DependencyUnavailable):
        runtime.open_terminal(replica, TerminalSpec(("sleep", "1236"), Size(80, 24)))
    eventually(lambda: not running(engine, replica, "sleep 1236"), what="it is ended")


def test_none_is_started_where_the_hosts_processes_can_not_be_seen(
    runtime: DockerRuntime, replica: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cgroups, "processes_of", lambda _: [0, 0])
    with pytest.raises(HostUnready, match="so it starts none"):
        runtime.open_terminal(replica, TerminalSpec(("true",)))


def test_what_it_started_without_its_environment_is_ended_and_no_other(
    runtime: DockerRuntime, engine: EnginePart, replica: str
) -> None:
    words = ("sh", "-c", "env -i sleep 1237 & sleep 1237")
    first, second = (runtime.open_terminal(replica, TerminalSpec(words)) for _ in range(2))
    eventually(lambda: running(engine, replica, "sleep 1237") >= 6, what="both run")
    first.end()
    eventually(lambda: running(engine, replica, "sleep 1237") == 3, what="the first is ended, and not the other")
    assert runtime.end_terminals() == 3
    assert running(engine, replica, "sleep 1237") == 0
    second.end()
