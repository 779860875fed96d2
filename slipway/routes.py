"""The route table's generation: it grows with every change of a host or its targets, in the transaction of the change."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from slipway.models import RouteChange, RouteTable

_ROW = 1


def touch_routes(session: Session, hosts: Iterable[str]) -> int:
    """Mark hosts as changed and return the new generation. The agent publishes them after the commit."""
    table = session.scalar(select(RouteTable).filter_by(id=_ROW).with_for_update())
    if table is None:
        table = RouteTable(id=_ROW, generation=0, epoch=uuid4().hex)
        session.add(table)
    table.generation += 1
    session.add_all(RouteChange(generation=table.generation, host=host) for host in sorted(set(hosts)))
    session.flush()
    return table.generation
