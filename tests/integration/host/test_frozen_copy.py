"""A database's files are copied while the process that writes them stands still; it always goes on."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from slipway.host.backup import frozen
from tests.fixtures.waiting import eventually

WRITER = """
import sys
with open(sys.argv[1], "r+b", buffering=0) as file:
    number = 0
    while True:
        number += 1
        for half in (0, 8):
            file.seek(half)
            file.write(number.to_bytes(8, "big"))
"""
"""Writes the same number into both halves of a file, without end, one half after the other."""
COPIER = """
import sys
from pathlib import Path
from typing import Any
from slipway.host.backup import frozen
with frozen._frozen([int(sys.argv[1])]):
    print("frozen", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    folder = tmp_path / "h2"
    folder.mkdir()
    (folder / "keycloak.mv.db").write_bytes(bytes(16))
    (folder / "keycloak.trace.db").touch()
    process = subprocess.Popen([sys.executable, "-I", "-S", "-c", WRITER, folder / "keycloak.mv.db"])
    eventually(lambda: any((folder / "keycloak.mv.db").read_bytes()), what="it writes")
    yield process
    process.kill()
    process.wait()


def state(process: subprocess.Popen[bytes]) -> str:
    return frozen._state(Path(f"/proc/{process.pid}"))


def content(folder: Path) -> bytes:
    return (folder / "keycloak.mv.db").read_bytes()


def test_nothing_is_written_during_the_copy_and_the_writer_goes_on(
    writer: subprocess.Popen[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bytes] = []
    copytree = shutil.copytree

    def watched(source: Path, *rest: Any, **options: Any) -> object:
        seen.append(content(source))
        copied = copytree(source, *rest, **options)
        seen.append(content(source))
        return copied

    monkeypatch.setattr("shutil.copytree", watched)
    frozen.copy(tmp_path / "h2", tmp_path / "copy")
    assert seen[0] == seen[1] == content(tmp_path / "copy")
    assert not (tmp_path / "copy" / "keycloak.trace.db").exists()
    eventually(lambda: content(tmp_path / "h2") != seen[1], what="it goes on")


def test_the_writer_goes_on_when_the_copy_fails(writer: subprocess.Popen[bytes], tmp_path: Path) -> None:
    (tmp_path / "copy").mkdir()
    with pytest.raises(FileExistsError):
        frozen.copy(tmp_path / "h2", tmp_path / "copy")
    eventually(lambda: state(writer) != "T", what="it goes on")


def test_the_writer_goes_on_when_the_copier_is_killed(writer: subprocess.Popen[bytes]) -> None:
    argv = [sys.executable, "-c", COPIER, str(writer.pid)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as copier:
        assert copier.stdout is not None
        assert copier.stdout.readline() == b"frozen\n"
        assert state(writer) == "T"
        os.kill(copier.pid, signal.SIGKILL)
    eventually(lambda: state(writer) != "T", what="it goes on")


def test_a_database_that_nobody_has_open_is_copied(tmp_path: Path) -> None:
    (tmp_path / "h2").mkdir()
    (tmp_path / "h2" / "keycloak.mv.db").write_bytes(b"still")
    frozen.copy(tmp_path / "h2", tmp_path / "copy")
    assert content(tmp_path / "copy") == b"still"
