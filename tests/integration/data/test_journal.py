"""SQLite's journal: nobody's commit waits for what others have written, and nothing is lost by waiting."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from slipway.db import Database
from slipway.errors import DependencyUnavailable
from slipway.migrations import upgrade
from slipway.models import AuditRecord

WHY = "a test fills the journal"
SIZE, RECORDS = 20_000, 400
"""8 MB: twice what SQLite by itself keeps in its journal."""


@pytest.fixture
def filled(tmp_path: Path) -> Database:
    database = Database(f"sqlite:///{tmp_path}/slipway.db")
    upgrade(database.engine)
    database.checkpoint()
    for _ in range(4):
        with database.write(platform=WHY) as session:
            session.add_all(
                AuditRecord(actor="a test", action="fill", subject="it", detail={"text": "x" * SIZE})
                for _ in range(RECORDS // 4)
            )
    return database


def test_a_commit_leaves_the_journal_for_whoever_moves_it(filled: Database, tmp_path: Path) -> None:
    file = tmp_path / "slipway.db"
    assert file.stat().st_size < SIZE * RECORDS / 4
    with filled.read(platform=WHY):  # those who read don't hold it up
        filled.checkpoint()
    assert file.stat().st_size > SIZE * RECORDS
    filled.dispose()


def test_what_is_in_the_journal_alone_is_there_after_a_crash(filled: Database, tmp_path: Path) -> None:
    """The files as a killed process leaves them."""
    crashed = tmp_path / "crashed"
    crashed.mkdir()
    for name in ("slipway.db", "slipway.db-wal"):
        (crashed / name).write_bytes((tmp_path / name).read_bytes())
    filled.dispose()
    found = sqlite3.connect(crashed / "slipway.db")
    assert found.execute("SELECT count(*) FROM audit").fetchone() == (RECORDS,)
    found.close()


def test_a_journal_that_cannot_be_moved_is_said(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/none/slipway.db")
    with pytest.raises(DependencyUnavailable):
        database.checkpoint()
