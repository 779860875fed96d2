"""The database goes away while a worker ends its build: the deployment does not fail, another worker has it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import event

from builder import jobs
from builder.agent.maintenance.requeue import requeue_stale
from slipway import db as database
from slipway.adapters.vault import Vault, create_key_file
from slipway.db import Database, DatabaseAway
from slipway.settings import load
from tests.fixtures.rows import add_app, add_tenant
from tests.unit.builder.conftest import Rig


@contextmanager
def rig_on(url: str, folder: Path) -> Iterator[Rig]:
    settings = load({"SLIPWAY_STATE_DIR": str(folder), "SLIPWAY_HEARTBEAT_S": "60", "SLIPWAY_LAPSE_S": "200"})
    settings.key_dir.mkdir()
    create_key_file(settings.key_dir / "values.key")
    db = Database(url)
    tenant_id = add_tenant(db)
    yield Rig(settings, db, Vault(settings.key_dir / "values.key"), tenant_id, add_app(db, tenant_id).id)
    db.dispose()


@pytest.fixture(autouse=True)
def _follows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "FOLLOW_S", 0.0)


def once_before(db: Database, statement: str, act: Callable[[], None]) -> None:
    """Do something in the moment before a statement is first sent."""
    waiting = [act]

    @event.listens_for(db.engine, "before_cursor_execute")
    def look(_connection: Any, _cursor: Any, text: str, *_: Any) -> None:
        if waiting and text.startswith(statement):
            waiting.pop()()


def test_a_connection_that_is_cut_hands_the_work_back_at_once(postgresql_url: str, tmp_path: Path) -> None:
    def cut() -> None:
        with psycopg.connect(postgresql_url.replace("+psycopg", ""), autocommit=True) as admin:
            others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
            admin.execute(f"{others} AND pid <> pg_backend_pid()")

    with rig_on(postgresql_url, tmp_path) as rig:
        deployment = rig.push()
        once_before(rig.db, "INSERT INTO builds", cut)
        assert rig.work(deployment) is None
        row = rig.row(deployment)
        assert (row.state, row.attempt, row.detail) == ("queued", 1, "")
        assert row.steps[-1]["note"] == "the database was away for a moment"
        assert rig.queue.enqueued == [(deployment.id, 1)]
        assert rig.work(deployment, 1) == "starting"
        assert len(rig.builds()) == 1


def test_one_that_stays_away_leaves_the_work_to_lapse(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "WRITER_WAIT_S", 0.05)
    with rig_on(sqlite_url, tmp_path) as rig, ExitStack() as meanwhile:
        other = Database(sqlite_url)
        deployment = rig.push()
        rig.images.during = lambda *_: meanwhile.enter_context(other.write(platform="a test writes")).connection()
        with pytest.raises(DatabaseAway):
            rig.work(deployment)
        meanwhile.close()
        other.dispose()
        assert rig.row(deployment).state == "building"
        assert requeue_stale(rig.db, rig.dependencies.queue, lapse_s=0) == 1
        rig.images.during = lambda *_: None
        assert rig.work(deployment, 1) == "starting"
