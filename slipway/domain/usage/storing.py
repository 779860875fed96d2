"""Adds what was used to rows, which are made where there are none."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ARRAY, Table, Text, bindparam, cast, func, literal_column, select
from sqlalchemy.orm import Session

from slipway.core.usage.fields import LATENCY, PEAKS, RESOURCES, TRAFFIC, Usage
from slipway.models import Base, UsageMinute

KINDS = (TRAFFIC, TRAFFIC + LATENCY, RESOURCES, TRAFFIC + LATENCY + RESOURCES)
"""Columns that are written together: a statement has those of one kind alone, since each costs."""


class Subject(NamedTuple):
    """A row of `usage_subjects`."""

    id: int
    tenant_id: int | None


Row = tuple[dict[str, Any], Usage]
"""The key of a row with its other columns, and what is added to it."""


def add_minutes(session: Session, used: Mapping[tuple[int, Subject], Usage]) -> None:
    """`used`: what each subject used in a minute since 1970."""
    add(
        session,
        UsageMinute,
        (
            ({"minute": minute, "subject_id": subject.id, "tenant_id": subject.tenant_id}, usage)
            for (minute, subject), usage in sorted(used.items())
        ),
    )


def add(session: Session, model: type[Base], rows: Iterable[Row], *, replacing: tuple[str, ...] = ()) -> None:
    """`replacing`: columns beside the key whose value is taken as it is given."""
    by_kind: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
    for key, usage in rows:
        kind = next(each for each in KINDS if usage.keys() <= set(each))
        by_kind[kind].append(key | {name: usage.get(name, 0) for name in kind})
    table = model.__table__
    assert isinstance(table, Table)  # noqa: S101  of a mapped class it is
    for kind, values in by_kind.items():
        write_many(session, _upsert(session, table, kind, replacing), values)


def write_many(session: Session, statement: Any, values: Sequence[Mapping[str, Any]]) -> None:
    """The statement for each of the values, which the driver takes as they are: SQLAlchemy's own way
    looks at each value of each row, which takes most of the time then."""
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        connection.execute(_from_arrays(statement, list(values[0])), _by_column(values))
        return
    compiled = statement.values({name: bindparam(name) for name in values[0]}).compile(dialect=connection.dialect)
    order = compiled.positiontup
    connection.exec_driver_sql(str(compiled), [tuple(map(each.__getitem__, order)) for each in values])


def _from_arrays(statement: Any, names: Sequence[str]) -> Any:
    """With one value for each column, an array as text: PostgreSQL then plans and runs one statement for all rows. The
    driver's own arrays cost eight times as much to make."""
    columns = [statement.table.c[name] for name in names]
    texts = [bindparam(each.name, type_=Text()) for each in columns]
    arrays = [
        func.unnest(cast(given, ARRAY(each.type))).label(each.name) for given, each in zip(texts, columns, strict=True)
    ]
    return statement.from_select(list(names), select(*arrays))


def _by_column(values: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    return {name: array_text([each[name] for each in values]) for name in values[0]}


def array_text(values: Sequence[Any]) -> str:
    """As PostgreSQL reads an array: `{1,2,NULL}`."""
    write = str if set(map(type, values)) == {int} else _element_text
    return f"{{{','.join(map(write, values))}}}"


def _element_text(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bytes):
        return f'"\\\\x{value.hex()}"'
    if isinstance(value, int):
        return str(value)
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def insert(session: Session, table: Table) -> Any:
    """The dialect's own INSERT, which has ON CONFLICT. That of PostgreSQL is loaded where it is used."""
    if session.get_bind().dialect.name == "sqlite":
        from sqlalchemy.dialects.sqlite import insert as of_sqlite  # noqa: PLC0415

        return of_sqlite(table)
    from sqlalchemy.dialects.postgresql import insert as of_postgresql  # noqa: PLC0415  2 MB

    return of_postgresql(table)


def _upsert(session: Session, table: Table, kind: tuple[str, ...], replacing: tuple[str, ...]) -> Any:
    statement = insert(session, table)
    sums = {name: _combined(session, table, statement, name) for name in kind}
    replaced = {name: statement.excluded[name] for name in replacing}
    return statement.on_conflict_do_update(index_elements=list(table.primary_key), set_=sums | replaced)


def _combined(session: Session, table: Table, statement: Any, name: str) -> Any:
    before, more = func.coalesce(table.c[name], literal_column("0")), statement.excluded[name]
    if name not in PEAKS:
        return before + more
    largest = func.max if session.get_bind().dialect.name == "sqlite" else func.greatest
    return largest(before, more)
