"""What is ended of a container's processes, in a made-up /proc."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from slipway.adapters.linux import cgroups, marked_processes
from slipway.errors import HostUnready

MARK = "SLIPWAY_EXEC=1"


class Processes:
    """`forks`: so many of those that are ended have started another just before."""

    def __init__(self, proc: Path, forks: int = 0) -> None:
        self.proc = proc
        self._forks = forks

    def add(self, pid: int, parent: int, environment: str = "A=1\0") -> None:
        (self.proc / str(pid)).mkdir()
        (self.proc / str(pid) / "environ").write_text(environment)
        (self.proc / str(pid) / "stat").write_text(f"{pid} (a (name) S 1) S {parent} 1 1")

    def pids(self, _: str = "") -> list[int]:
        return sorted(int(each.name) for each in self.proc.iterdir())

    def kill(self, pid: int, _: int) -> None:
        if self._forks:
            self._forks -= 1
            self.add(max(self.pids()) + 1, 1, f"A=1\0{MARK}\0")
        shutil.rmtree(self.proc / str(pid))


def patched(monkeypatch: pytest.MonkeyPatch, processes: Processes) -> Processes:
    monkeypatch.setattr(cgroups, "processes_of", processes.pids)
    monkeypatch.setattr(os, "kill", processes.kill)
    processes.add(10, 1)
    processes.add(11, 10)
    return processes


def test_what_starts_another_meanwhile_is_ended_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    processes = patched(monkeypatch, Processes(tmp_path, forks=3))
    processes.add(20, 1, f"{MARK}\0")
    assert marked_processes.end("c", MARK, tmp_path) == 4
    assert processes.pids() == [10, 11], "the container's own"


def test_what_can_not_be_ended_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    processes = patched(monkeypatch, Processes(tmp_path))
    processes.add(20, 1, f"{MARK}\0")
    monkeypatch.setattr(os, "kill", lambda *_: None)
    monkeypatch.setattr(marked_processes, "PASSES_MOST", 3)
    assert marked_processes.end("c", MARK, tmp_path) == 1


def test_what_descends_from_it_is_ended_whatever_its_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    processes = patched(monkeypatch, Processes(tmp_path))
    processes.add(20, 1, f"{MARK}\0")
    processes.add(22, 21, "")
    processes.add(21, 20, "")
    processes.add(30, 1, "SLIPWAY_EXEC=2\0")
    assert marked_processes.end("c", MARK, tmp_path) == 3
    assert processes.pids() == [10, 11, 30]


def test_who_may_not_look_or_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> bytes:
        raise PermissionError

    processes = patched(monkeypatch, Processes(tmp_path))
    monkeypatch.setattr(os, "kill", lambda *_: None)
    marked_processes.require_seen("c", tmp_path)
    for owner, name in ((os, "kill"), (Path, "read_bytes")):
        with monkeypatch.context() as here:
            here.setattr(owner, name, refuse)
            with pytest.raises(HostUnready):
                marked_processes.require_seen("c", tmp_path)
    monkeypatch.setattr(cgroups, "processes_of", lambda _: [0])
    with pytest.raises(HostUnready):
        marked_processes.require_seen("c", tmp_path)
    assert processes.pids() == [10, 11]
