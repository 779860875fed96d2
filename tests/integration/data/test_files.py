"""The database's file is its owner's alone: it holds sealed secrets and tokens' hashes."""

from __future__ import annotations

import stat
from pathlib import Path

from slipway.db import Database
from slipway.migrations import upgrade


def test_nobody_else_may_read_the_database_or_its_journal(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/slipway.db", pool=False)
    upgrade(database.engine)
    with database.engine.connect():
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert set(modes.values()) == {0o600}
    assert "slipway.db" in modes
    database.dispose()
