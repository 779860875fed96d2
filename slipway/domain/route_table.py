"""Changing the route table: whoever changes a domain or a target does it in one transaction with the generation."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import uuid4

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from slipway.models import TO_CHANGE, Domain, RouteChange, RouteTable

THE_TABLE = 1
_CHANGE = insert(RouteChange).inline()  # returns nothing: a tenant's transaction may add changes and read none


def route_table(session: Session, *, lock: bool = False) -> RouteTable:
    """The one row, made when it is missing. `lock` holds other changes back until the transaction ends."""
    table = session.get(RouteTable, THE_TABLE, with_for_update=TO_CHANGE if lock else None)
    if table is None:
        table = RouteTable(id=THE_TABLE, generation=0, epoch=uuid4().hex)
        session.add(table)
        session.flush()
    return table


def touch_routes(session: Session, hosts: Iterable[str]) -> int:
    """Say that these hosts' entries changed in this transaction, and return the generation that carries it.

    The agent publishes it after the commit (`WorkQueue.wake_agent` hurries it up). Without hosts no edge has to learn
    anything, and the generation stays.
    """
    table = route_table(session, lock=True)
    changed = sorted(set(hosts))
    if changed:
        table.generation += 1
        session.flush()
        rows = [{"generation": table.generation, "host": host} for host in changed]
        session.connection().execute(_CHANGE, rows)
    return table.generation


def hosts_of(session: Session, app_id: int, environment: str, process: str) -> list[str]:
    """The hosts that lead to a process of an app."""
    query = select(Domain.host).filter_by(app_id=app_id, environment=environment, process=process)
    return list(session.scalars(query))
