from __future__ import annotations

import logging

import pytest
from sqlalchemy import event, func, select

from builder.lease import claim
from builder.warm_up import warm_up
from slipway.db import Database
from slipway.models import App, Build, Deployment, Tenant
from tests.unit.builder.conftest import Rig

WHY = "a test counts"


def test_a_warm_up_leaves_nothing_behind(rig: Rig) -> None:
    before = _rows(rig.db)
    warm_up(rig.db)
    assert rig.db.engine.pool.checkedin() == 0  # type: ignore[attr-defined]
    assert _rows(rig.db) == before


def test_after_a_warm_up_a_claim_compiles_no_statement(rig: Rig) -> None:
    warm_up(rig.db)
    pushed = rig.push()
    known = len(rig.db.engine._compiled_cache or ())
    assert claim(rig.db, pushed.id, 0) is not None
    assert len(rig.db.engine._compiled_cache or ()) == known


def test_an_unreachable_database_does_not_end_the_worker(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    @event.listens_for(rig.db.engine, "do_connect")
    def refuse(*_: object) -> None:
        raise rig.db.engine.dialect.loaded_dbapi.OperationalError("unreachable")

    rig.db.dispose()
    with caplog.at_level(logging.WARNING):
        warm_up(rig.db)
    assert "not warmed up" in caplog.text


def _rows(database: Database) -> list[int]:
    with database.read(platform=WHY) as session:
        return [
            session.scalars(select(func.count()).select_from(each)).one() for each in (Tenant, App, Deployment, Build)
        ]
