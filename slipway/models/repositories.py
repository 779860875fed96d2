"""Rows of one repository, whichever of its addresses they have (`slipway.core.naming.repository_twins`)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from sqlalchemy import ColumnElement, String, and_, bindparam, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from slipway.core.naming import repository_twins
from slipway.models.apps import App, Hook

Row = TypeVar("Row", App, Hook)


def may_be_of(column: InstrumentedAttribute[str]) -> ColumnElement[bool]:
    """SQL condition with the parameters of `parameters_of`: an identity of the repository, or one that looks like it.
    `of_repository` drops the latter."""
    begins = bindparam("begins", type_=String)
    return or_(
        column == bindparam("repository"),
        column == bindparam("without_port"),
        and_(func.substr(column, 1, func.length(begins)) == begins, column.endswith(bindparam("ends", type_=String))),
    )


def parameters_of(identity: str) -> dict[str, str]:
    begins, ends = repository_twins.with_any_port(identity)
    bare = repository_twins.without_port(identity)
    return {"repository": identity, "without_port": bare, "begins": begins, "ends": ends}


def of_repository(rows: Iterable[Row], identity: str) -> list[Row]:
    """Those whose identity is the repository's own, then those with another address of it."""
    same = [row for row in rows if repository_twins.are_same(row.repository_identity, identity)]
    return sorted(same, key=lambda row: row.repository_identity != identity)


def hook_of(session: Session, identity: str) -> Hook | None:
    """The tenant's hook of a repository; None when it has none, or `identity` is empty."""
    if not identity:
        return None
    found = session.scalars(select(Hook).where(may_be_of(Hook.repository_identity)), parameters_of(identity))
    return next(iter(of_repository(found, identity)), None)
