"""One agent at a time; the next takes over when the first is gone."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from builder.agent.election import elected
from tests.fixtures.waiting import eventually


def test_a_second_agent_waits_until_the_first_is_gone(tmp_path: Path) -> None:
    stopped, found = threading.Event(), []
    first = elected(tmp_path / "run" / "agent.lock", stopped)
    assert first is not None
    second = threading.Thread(target=lambda: found.append(elected(tmp_path / "run" / "agent.lock", stopped)))
    second.start()
    second.join(timeout=0.2)
    assert found == []
    os.close(first)
    eventually(lambda: found, within_s=5)
    assert found[0] is not None
    os.close(found[0])


def test_waiting_ends_when_it_is_stopped(tmp_path: Path) -> None:
    stopped = threading.Event()
    first = elected(tmp_path / "agent.lock", stopped)
    assert first is not None
    stopped.set()
    assert elected(tmp_path / "agent.lock", stopped) is None
    os.close(first)
