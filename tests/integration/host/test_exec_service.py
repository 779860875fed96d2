from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from slipway.host.processes import exec_service
from tests.integration.host.conftest import alive

SLEEP = "import time; print('up', flush=True); time.sleep(1000)"


@contextmanager
def process(folder: Path, *argv: str, group: int = 0) -> Iterator[subprocess.Popen[str]]:
    """A running process, in a group of its own or in that one."""
    running = subprocess.Popen(argv, cwd=folder, process_group=group, stdout=subprocess.PIPE, text=True)
    try:
        yield running
    finally:
        running.kill()
        running.communicate()


def note(where: Path, leader: int, **changed: object) -> Path:
    """What a service with this process at its head would have noted."""
    group, started, _ = exec_service._stat(leader)
    run = exec_service.Run(exec_service._boot_id(), group, started, os.path.realpath(sys.executable), str(where))
    path = where / "note.json"
    path.write_text(json.dumps(exec_service.asdict(run) | changed))
    return path


def test_a_service_does_not_see_what_migrations_are_given(tmp_path: Path) -> None:
    show = "import os; print(sorted(name for name in os.environ if name.startswith('SLIPWAY_DATABASE')))"
    code = f"""
import os
from slipway.host.processes import exec_service
from slipway.host.processes.services import Service
from slipway.settings import load
settings = load({{"SLIPWAY_STATE_DIR": {str(tmp_path)!r}}})
settings.run_dir.mkdir()
service = Service("shown", "", lambda _: [{sys.executable!r}, "-c", {show!r}], None, ())
exec_service.serve(settings, service, 1, {{"SLIPWAY_DATABASE_URL": "x", "SLIPWAY_DATABASE_OWNER_URL": "y"}})
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout == "['SLIPWAY_DATABASE_URL']\n"


def test_a_child_of_another_program_is_ended_with_its_dead_parent(tmp_path: Path) -> None:
    with (
        process(tmp_path, sys.executable, "-c", SLEEP) as parent,
        process(tmp_path, "sleep", "1000", group=parent.pid) as child,
    ):
        noted = note(tmp_path, parent.pid)
        parent.kill()
        parent.wait()
        assert exec_service.end_leftovers(noted) == [child.pid]
        assert not alive(child.pid)


@pytest.mark.parametrize(
    ("name", "value"),
    [("boot", "another"), ("group", 2**22 - 1), ("started_ticks", 2**62)],
)
def test_a_process_that_only_has_the_number_is_left_alone(tmp_path: Path, name: str, value: object) -> None:
    with process(tmp_path, "sleep", "1000") as stranger:
        assert exec_service.end_leftovers(note(tmp_path, stranger.pid, **{name: value})) == []
        assert alive(stranger.pid)


def test_another_program_elsewhere_is_left_alone(tmp_path: Path) -> None:
    with process(tmp_path, "sleep", "1000") as stranger:
        assert exec_service.end_leftovers(note(tmp_path, stranger.pid, folder="/elsewhere")) == []
        assert alive(stranger.pid)


def test_a_process_that_ignores_sigterm_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exec_service, "_STOP_TIMEOUT_S", 0.3)
    ignoring = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEP}"
    with process(tmp_path, sys.executable, "-c", ignoring) as stubborn:
        assert stubborn.stdout is not None
        stubborn.stdout.readline()
        assert exec_service.end_leftovers(note(tmp_path, stubborn.pid)) == [stubborn.pid]
        assert not alive(stubborn.pid)


def test_a_note_of_another_version_is_no_note(tmp_path: Path) -> None:
    (tmp_path / "note.json").write_text('{"group": 1}')
    assert exec_service.end_leftovers(tmp_path / "note.json") == []
