"""Declarative base, column types and the mark of what belongs to a tenant."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, DateTime, ForeignKey, MetaData
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column
from sqlalchemy.types import TypeDecorator

from slipway.models.row_policies import OWN_ROWS, RowPolicy

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

TO_CHANGE: dict[str, Any] = {"key_share": True}
"""How a row is locked that shall be changed: FOR NO KEY UPDATE. A plain FOR UPDATE would hold back whoever writes a row
that refers to it, for the foreign key's sake, and two who hold each other back are a deadlock."""


def now() -> datetime:
    """The present, in UTC, aware."""
    return datetime.now(UTC)


class UtcDateTime(TypeDecorator[datetime]):
    """Aware UTC in Python on every database (SQLite keeps no zone)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _dialect: Any) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("a time without its zone")
        return value.astimezone(UTC) if value else None

    def process_result_value(self, value: datetime | None, _dialect: Any) -> datetime | None:
        return value.replace(tzinfo=UTC) if value and value.tzinfo is None else value


class Base(DeclarativeBase):
    """Base of every table. A table that does not declare whose rows it has can't be defined."""

    row_policy: ClassVar[RowPolicy]
    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {  # noqa: RUF012
        datetime: UtcDateTime(),
        dict[str, Any]: JSON(),
        list[str]: JSON(),
        list[dict[str, Any]]: JSON(),
    }

    def __init_subclass__(cls, **options: Any) -> None:
        if not hasattr(cls, "row_policy"):
            raise TypeError(
                f"{cls.__name__} does not say whose rows it has: derive it from TenantOwned, or give it a row_policy"
                " (slipway.models.row_policies). Its migration has to protect it (slipway.migrations.row_security)"
            )
        super().__init_subclass__(**options)


class Changing:
    """Rows of which somebody who watches learns that they have changed. Their table has an index of tenant and time."""

    changed_at: Mapped[datetime | None] = mapped_column(default=now, onupdate=now)
    """By the clock of who wrote the row, before the transaction's end. None: not since the column is there."""


class TenantOwned:
    """A row of one tenant. Sessions filter these by their scope, and refuse to write another tenant's."""

    row_policy: ClassVar[RowPolicy] = OWN_ROWS

    @declared_attr
    def tenant_id(cls) -> Mapped[int]:  # noqa: N805
        return mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"), index=True)
