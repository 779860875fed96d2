"""Starting one service in this process's place, after what is left of its last run is gone.

A service that was killed may leave children behind (nginx's workers hold the ports), and a killed supervisor leaves
all services. Each start therefore notes its process group, and the next one ends what remains of it.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import NoReturn

from slipway.host.processes.probing import wait_until
from slipway.host.processes.services import Service
from slipway.settings import Settings

PROC = Path("/proc")
_STOP_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class Run:
    """The last start of a service: enough to know its processes again, and not to take another's for them."""

    boot: str
    group: int
    started_ticks: int
    program: str
    folder: str


def serve(settings: Settings, service: Service, instance: int, environment: Mapping[str, str]) -> NoReturn:
    """Become the service, which does not see what migrations are given, unless its row says so."""
    note = note_of(settings, service, instance)
    end_leftovers(note)
    argv = service.argv(settings)
    if os.getpgrp() != os.getpid():
        os.setpgid(0, 0)
    program = _resolve(argv[0], environment)
    _write(note, Run(_boot_id(), os.getpid(), _stat(os.getpid())[1], os.path.realpath(program), os.getcwd()))
    seen = {name: value for name, value in environment.items() if name not in service.hidden_settings}
    os.execve(program, argv, seen)  # noqa: S606 - no shell is what is wanted


def note_of(settings: Settings, service: Service, instance: int) -> Path:
    return settings.run_dir / f"{service.name}-{instance}.json"


def end_leftovers(note: Path) -> list[int]:
    """End what runs of the start noted here; returns the processes that were ended. Those that are
    left after some seconds are killed."""
    run = _read(note)
    if run is None:
        return []
    left = [pid for pid in _members(run) if pid != os.getpid()]
    for step in (signal.SIGTERM, signal.SIGKILL):
        for pid in _members(run):
            if pid != os.getpid():
                _send(pid, step)
        if wait_until(lambda: not set(_members(run)) - {os.getpid()}, timeout_s=_STOP_TIMEOUT_S):
            break
    return left


def members_of(note: Path) -> list[int]:
    """The processes that run of the start noted here."""
    run = _read(note)
    return _members(run) if run else []


def _members(run: Run) -> list[int]:
    if run.boot != _boot_id():
        return []
    return [pid for pid in _processes() if _is_of(pid, run)]


def _processes() -> Iterator[int]:
    return (int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit())


def _is_of(pid: int, run: Run) -> bool:
    """In the group, not older than its start, and running the same program or in the same folder (a child may be
    another program): numbers are used again, all of these together are not."""
    process = PROC / str(pid)
    try:
        group, started, state = _stat(pid)
        if group != run.group or state == "Z" or started < run.started_ticks:
            return False
        return os.readlink(process / "exe") == run.program or os.readlink(process / "cwd") == run.folder
    except OSError:  # it ended while we looked
        return False


def _stat(pid: int) -> tuple[int, int, str]:
    """Process group, start in clock ticks since boot, and state: fields 5, 22 and 3 of proc(5)'s stat."""
    fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    return int(fields[2]), int(fields[19]), fields[0]


def _boot_id() -> str:
    return (PROC / "sys/kernel/random/boot_id").read_text().strip()


def _resolve(program: str, environment: Mapping[str, str]) -> str:
    if "/" in program:
        return program
    for folder in [*environment.get("PATH", os.defpath).split(os.pathsep), "/usr/sbin", "/sbin"]:
        candidate = os.path.join(folder, program)
        if os.access(candidate, os.X_OK):
            return candidate
    return program


def _send(pid: int, step: signal.Signals) -> None:
    try:
        os.kill(pid, step)
    except ProcessLookupError:
        return


def _read(note: Path) -> Run | None:
    """The note; None where there is none, or one of another version."""
    found = json.loads(note.read_text()) if note.exists() else {}
    return Run(**found) if found.keys() == {field.name for field in fields(Run)} else None


def _write(note: Path, run: Run) -> None:
    aside = note.with_suffix(".new")
    aside.write_text(json.dumps(asdict(run)))
    aside.replace(note)
