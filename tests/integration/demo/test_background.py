"""Programs of the demo outlive who started them, and are found by the lock that they hold."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from slipway.demo.background import Background
from slipway.errors import DependencyUnavailable
from tests.fixtures.waiting import eventually

SLEEPS = [sys.executable, "-c", "import signal; signal.pause()", "--port", "8085"]


@pytest.fixture
def background(tmp_path: Path) -> Iterator[Background]:
    found = Background("sleeper", "the sleeper", tmp_path / "demo")
    yield found
    found.stop()


def start(background: Background) -> None:
    background.start(SLEEPS, lambda: True, where="nowhere")


def test_it_is_found_by_whoever_looks_and_stopped_once(background: Background) -> None:
    start(background)
    again = Background("sleeper", "the sleeper", background.folder)
    assert again.running() == background.running() is not None
    assert again.argument("--port") == "8085"
    assert again.stop()
    assert background.running() is None
    assert not background.stop()


def test_what_was_killed_does_not_run_though_its_files_say_so(background: Background) -> None:
    start(background)
    pid = background.running()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: background.running() is None)
    background.pid_file.write_text(f"{os.getpid()}\n")  # the number is somebody else's by now
    assert background.running() is None
    start(background)
    assert background.running() not in (None, pid, os.getpid())


def test_a_second_one_is_not_started_beside_it(background: Background) -> None:
    start(background)
    pid = background.running()
    with pytest.raises(DependencyUnavailable, match="somebody else"):
        start(background)
    assert background.running() == pid


def test_what_ends_at_once_is_reported_with_its_last_words(background: Background) -> None:
    argv = [sys.executable, "-c", "raise SystemExit('no such zone')"]
    with pytest.raises(DependencyUnavailable, match="no such zone"):
        background.start(argv, lambda: False, where="127.0.0.1:53")
