"""The schema's history leads to the models, on both databases."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, select

from slipway import migrations
from slipway.db import Database
from slipway.models import Base, Deployment, now
from tests.fixtures.rows import add_app, add_tenant
from tests.fixtures.services.postgresql import Cluster

WHY = "test of the schema's history"


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/empty.db"
        return
    cluster: Cluster = request.getfixturevalue("postgresql_cluster")
    yield cluster.create("empty")
    cluster.drop("empty")


@pytest.fixture
def empty(empty_url: str) -> Iterator[Database]:
    database = Database(empty_url, pool=False)
    yield database
    database.dispose()


def test_an_empty_database_becomes_what_the_models_say(empty: Database) -> None:
    assert migrations.upgrade(empty.engine) == migrations.newest()
    with empty.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, Base.metadata) == []


def test_upgrading_again_changes_nothing(empty: Database) -> None:
    for _ in range(3):
        assert migrations.upgrade(empty.engine) == migrations.newest()


def test_several_processes_may_upgrade_at_once(empty_url: str, tmp_path: Path) -> None:
    """Every service may do it at its start."""
    environ = {"SLIPWAY_DATABASE_URL": empty_url, "SLIPWAY_STATE_DIR": str(tmp_path)}
    argv = [sys.executable, "-m", "slipway.migrations"]
    started = [subprocess.Popen(argv, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(3)]
    ended = [(*process.communicate(timeout=120), process.returncode) for process in started]
    assert ended == [(f"schema at revision {migrations.newest()}\n".encode(), b"", 0)] * 3


def test_going_down_leaves_nothing(empty: Database) -> None:
    migrations.upgrade(empty.engine)
    with empty.engine.connect() as connection, connection.begin():
        command.downgrade(migrations.config(connection), "base")
    assert set(inspect(empty.engine).get_table_names()) <= {"alembic_version"}


def test_what_ended_within_the_last_hour_is_reported_after_the_upgrade(empty: Database) -> None:
    migrations.upgrade(empty.engine)
    earlier, lately = now() - timedelta(minutes=61), now() - timedelta(minutes=59)
    add_deployments(
        empty,
        {"state": "failed", "ended_at": earlier},
        {"state": "failed", "ended_at": lately},
        {"state": "live", "live_at": earlier},
        {"state": "live", "live_at": lately, "environment": "staging"},
        {"state": "retired", "live_at": earlier, "ended_at": lately},
        {"state": "cancelled"},
        {"state": "starting", "started_at": earlier},
    )
    with empty.engine.connect() as connection, connection.begin():
        command.downgrade(migrations.config(connection), "0006")
    migrations.upgrade(empty.engine)
    with empty.read(platform=WHY) as session:
        found = list(session.scalars(select(Deployment.reported_state).order_by(Deployment.sequence)))
    assert found == ["failed", None, "live", None, None, "cancelled", None]


def add_deployments(database: Database, *rows: dict[str, Any]) -> None:
    app = add_app(database, add_tenant(database))
    with database.write(platform=WHY) as session:
        for number, values in enumerate(rows):
            facts = {"kind": "push", "sequence": number, "image_sequence": number, "idempotency_key": str(number)}
            session.add(Deployment(tenant_id=app.tenant_id, app_id=app.id, **facts | values))


def test_the_revision_of_an_empty_database_is_none(empty: Database) -> None:
    with empty.engine.connect() as connection:
        assert migrations.current(connection) == ""


def test_the_newest_revision_is_where_alembic_would_go() -> None:
    assert migrations.newest() == ScriptDirectory(str(Path(migrations.__file__).parent)).get_current_head()
