from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.agent.rig import Rig


@pytest.fixture
def rig(sqlite_template: Path) -> Iterator[Rig]:
    """In memory: what is tested is what is written, not that a disk keeps it."""
    folder = Path(tempfile.mkdtemp(prefix="slipway-agent-", dir="/dev/shm"))
    made = Rig(f"sqlite:///{shutil.copy(sqlite_template, folder / 'slipway.db')}", folder)
    yield made
    made.db.dispose()
    shutil.rmtree(folder)
