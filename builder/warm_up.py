"""What a job's statements are, said once before the first job.

SQLAlchemy takes longer to compile a statement than the database to run it, and each job's fork would begin anew: 20 ms
of a push. So the worker goes through a job's transactions in one that is rolled back, and its forks have the rest.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn, cast

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from builder.lease import Lease, claim
from slipway.core.deployment.states import State
from slipway.db import Database
from slipway.domain import intents, lifecycle
from slipway.errors import SlipwayError
from slipway.models import App, Build, Tenant

log = logging.getLogger(__name__)

_WHY = "worker: rehearse a job"


def warm_up(database: Database) -> None:
    """Leaves no row and no open connection. A rehearsal that fails costs the next jobs time, nothing else."""
    try:
        with database.write(platform=_WHY) as session:
            _go_through(session)
    except _Over:
        return
    except (SlipwayError, SQLAlchemyError) as error:
        log.warning("not rehearsed", extra={"why": str(error)})
    finally:
        database.dispose()


class _Over(Exception):
    """Rolls back."""


class _OneTransaction:
    """Stands for a database: what are transactions in a job are parts of the rehearsal's, under the same scopes."""

    def __init__(self, session: Session) -> None:
        self._session = session

    @contextmanager
    def write(self, *, tenant_id: int | None = None, platform: str = "") -> Iterator[Session]:
        self._session.info["scope"] = platform if tenant_id is None else tenant_id
        yield self._session
        self._session.flush()
        self._session.expunge_all()

    read = write


def _go_through(session: Session) -> NoReturn:
    database = cast("Database", _OneTransaction(session))
    lease = claim(database, _pushed(session), 0)
    if lease is None:
        raise SlipwayError("The rehearsal's own deployment was not there to be taken.")
    lease.outcome()
    with lease.write() as (_, row):
        row.message = row.pushed_by = "rehearsed"
        lifecycle.advance(row, State.BUILDING)
    _start(lease)
    raise _Over


def _pushed(session: Session) -> int:
    name = f"rehearsal-{secrets.token_hex(8)}"
    tenant = Tenant(name=name)
    session.add(tenant)
    session.flush()
    app = App(tenant_id=tenant.id, name=name)
    session.add(app)
    session.flush()
    made = intents.push(session, app, intents.Pushed("refs/heads/main", "0" * 40), idempotency_key=name, actor=_WHY)
    session.expunge_all()
    return made.id


def _start(lease: Lease) -> None:
    with lease.write() as (session, row):
        found: dict[str, Any] = {
            "exposed_port": None,
            "size_bytes": 0,
            "builder": "",
            "file_settings": {},
            "processes": {},
        }
        whose = {"tenant_id": row.tenant_id, "app_id": row.app_id, "deployment_id": row.id}
        session.add(Build(image="", digest="", steps_total=0, steps_cached=0, **whose, **found))
        lifecycle.note_step(row, "rehearsed")
        lifecycle.advance(row, State.STARTING)
