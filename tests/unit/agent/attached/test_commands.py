"""Commands in a service's container: what they read, what they print, and how they end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from builder.agent.attached.commands import ServiceCommands
from slipway.core.attached.kinds import Step
from slipway.errors import BackupDamaged, DeploymentFailed, NotFound
from slipway.ports.runtime import TerminalSpec
from tests.fakes import FakeRuntime
from tests.fakes.terminal import FakeProgram, FakeTerminal

SECRET = "b" * 48


class Runtime(FakeRuntime):
    """Runs one program, in a container that is there."""

    def __init__(self, **ends: Any) -> None:
        super().__init__()
        self._ends = ends

    def open_terminal(self, container_id: str, spec: TerminalSpec) -> FakeTerminal:
        if container_id != "there":
            raise NotFound("it does not run")
        self.terminals.append(made := FakeProgram(spec, **self._ends))
        return made


def commands(runtime: Runtime, container_id: str = "there") -> ServiceCommands:
    return ServiceCommands(runtime, container_id, {"MYSQL_PWD": SECRET})


def program(runtime: Runtime) -> FakeProgram:
    [found] = runtime.terminals
    assert isinstance(found, FakeProgram)
    return found


def test_its_output_comes_in_pieces_and_it_gets_no_input() -> None:
    runtime = Runtime(printed=b"all", complaint=b"a warning\n")
    assert b"".join(commands(runtime).output_of(("dump", "-v"))) == b"all"
    found = program(runtime)
    assert (found.spec.argv, found.spec.variables, bytes(found.read_so_far)) == (
        ("dump", "-v"),
        {"MYSQL_PWD": SECRET},
        b"",
    )
    assert found.ended, "nothing of it is left"


def test_a_step_reads_the_dump_or_its_own_input() -> None:
    runtime = Runtime()
    commands(runtime).run(Step(("load",), takes_dump=True), [b"one", b"two"])
    assert bytes(program(runtime).read_so_far) == b"onetwo"
    runtime = Runtime()
    commands(runtime).run(Step(("ask",), input="ALTER …"), [b"one"])
    assert bytes(program(runtime).read_so_far) == "ALTER …".encode()


def test_one_that_fails_says_why_without_a_password() -> None:
    runtime = Runtime(code=2, complaint=f"\x1b[31maccess denied\x1b[0m for {SECRET}\n".encode())
    with pytest.raises(DeploymentFailed) as failed:
        list(commands(runtime).output_of(("dump",)))
    assert failed.value.message == "dump ended with exit code 2: access denied for •••"
    assert failed.value.reason == "command-failed"


def test_one_that_says_nothing_is_named_all_the_same() -> None:
    with pytest.raises(DeploymentFailed, match="exit code 1: it said nothing"):
        commands(Runtime(code=1)).run(Step(("load",)))


def test_a_dump_that_breaks_off_ends_the_program_and_is_the_reason() -> None:
    def damaged() -> Iterator[bytes]:
        yield b"one"
        raise BackupDamaged("it was cut")

    runtime = Runtime()
    with pytest.raises(BackupDamaged):
        commands(runtime).run(Step(("load",), takes_dump=True), damaged())
    found = program(runtime)
    assert (bytes(found.read_so_far), found.ended, found.exit_code()) == (b"one", True, 137)


def test_whoever_reads_no_further_ends_it() -> None:
    runtime = Runtime(printed=b"all")
    reading = commands(runtime).output_of(("dump",))
    assert next(reading) == b"all"
    reading.close()  # type: ignore[attr-defined]
    assert program(runtime).ended


def test_a_container_that_does_not_run_is_said() -> None:
    with pytest.raises(NotFound):
        commands(Runtime(), "gone").run(Step(("load",)))
