"""What apps and replicas used: minutes, then hours with their minutes, and days. docs/reference/usage.md has the whole.

Only the agent writes here. Rows carry their tenant without a foreign key: a key would be looked up at each of some
hundred thousand rows an hour. They are reached by their subject, whose number never comes again, and go after it.
"""

from __future__ import annotations

from typing import ClassVar

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from slipway.models.base import Base, TenantOwned
from slipway.models.row_policies import PLATFORM_ONLY, RowPolicy

_OWN_TO_READ = RowPolicy(("SELECT",), "tenant_id")


class UsageSubject(TenantOwned, Base):
    """Whose use is counted: an app's traffic (no process), a process's replicas together, or one replica. It outlives
    the app, so that what was used stays its own when the app's number comes again."""

    __tablename__ = "usage_subjects"
    __table_args__ = (
        UniqueConstraint(
            *("app_id", "app_created_ms", "environment", "process", "image", "replica_id"),
            name="uq_usage_subjects_whose",  # its columns make a name that is too long for PostgreSQL
        ),
        {"sqlite_autoincrement": True},
    )
    row_policy: ClassVar[RowPolicy] = _OWN_TO_READ

    id: Mapped[int] = mapped_column(primary_key=True)
    app_id: Mapped[int]
    """0: requests that belong to no app."""
    app_created_ms: Mapped[int] = mapped_column(BigInteger)
    """When the app was made (Unix milliseconds): app ids come again on SQLite."""
    app_name: Mapped[str] = mapped_column(String(40))
    environment: Mapped[str] = mapped_column(String(40), default="")
    process: Mapped[str] = mapped_column(String(40), default="")
    image: Mapped[str] = mapped_column(String(80), default="")
    """The digest of what ran; empty: none was live."""
    image_name: Mapped[str] = mapped_column(String(300), default="")
    """As people know it; empty: it was built from the app's repository."""
    replica_id: Mapped[str] = mapped_column(String(40), default="")

    @declared_attr
    def tenant_id(cls) -> Mapped[int | None]:  # type: ignore[override]  # noqa: N805
        """None: nobody's; or the tenant is gone, and its rows go soon."""
        return mapped_column(ForeignKey("tenants.id", ondelete="SET NULL"), index=True, nullable=True)


def _count() -> Mapped[int | None]:
    return mapped_column(BigInteger)


class _Counted(TenantOwned):
    """`core.usage.fields.FIELDS` as columns. NULL is 0: most rows have few of them."""

    row_policy: ClassVar[RowPolicy] = _OWN_TO_READ

    @declared_attr
    def tenant_id(cls) -> Mapped[int | None]:  # type: ignore[override]  # noqa: N805
        return mapped_column(nullable=True)

    requests_1xx: Mapped[int | None] = _count()
    requests_2xx: Mapped[int | None] = _count()
    requests_3xx: Mapped[int | None] = _count()
    requests_4xx: Mapped[int | None] = _count()
    requests_5xx: Mapped[int | None] = _count()
    bytes_in: Mapped[int | None] = _count()
    bytes_out: Mapped[int | None] = _count()
    duration_ms: Mapped[int | None] = _count()
    latency_1: Mapped[int | None] = _count()
    latency_2: Mapped[int | None] = _count()
    latency_3: Mapped[int | None] = _count()
    latency_4: Mapped[int | None] = _count()
    latency_5: Mapped[int | None] = _count()
    latency_6: Mapped[int | None] = _count()
    latency_7: Mapped[int | None] = _count()
    latency_8: Mapped[int | None] = _count()
    latency_9: Mapped[int | None] = _count()
    latency_10: Mapped[int | None] = _count()
    latency_11: Mapped[int | None] = _count()
    latency_12: Mapped[int | None] = _count()
    latency_13: Mapped[int | None] = _count()
    latency_14: Mapped[int | None] = _count()
    latency_15: Mapped[int | None] = _count()
    running_ms: Mapped[int | None] = _count()
    cpu_us: Mapped[int | None] = _count()
    memory_byte_s: Mapped[int | None] = _count()
    memory_peak_bytes: Mapped[int | None] = _count()
    memory_limit_byte_s: Mapped[int | None] = _count()
    network_in_bytes: Mapped[int | None] = _count()
    network_out_bytes: Mapped[int | None] = _count()


class UsageMinute(_Counted, Base):
    """A minute of the last hours. It goes when its hour's row has taken it in. By time first: what is written together
    lies together."""

    __tablename__ = "usage_minutes"
    __table_args__ = ({"sqlite_with_rowid": False},)

    minute: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    """Since 1970."""
    subject_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)


class UsageHour(_Counted, Base):
    __tablename__ = "usage_hours"

    subject_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    hour: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    """Since 1970."""
    minutes: Mapped[bytes | None] = mapped_column(LargeBinary)
    """Its minutes, as core.usage.packing has them. None: they are not kept any more."""


class UsageDay(_Counted, Base):
    """A day (UTC) of an app's traffic, or of a process's replicas together."""

    __tablename__ = "usage_days"
    __table_args__ = ({"sqlite_with_rowid": False},)

    subject_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    day: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    """Since 1970."""


class UsagePosition(Base):
    """How far an edge's records are counted, for each life of the edge."""

    __tablename__ = "usage_positions"
    row_policy: ClassVar[RowPolicy] = PLATFORM_ONLY

    edge: Mapped[str] = mapped_column(String(40), primary_key=True)
    boot: Mapped[str] = mapped_column(String(40), primary_key=True)
    sequence: Mapped[int] = mapped_column(BigInteger)
    """The last record that counts already; those before it do, too, but for the gaps."""
    until_s: Mapped[int] = mapped_column(BigInteger)
    """Unix seconds up to which its records go, by the edge's clock."""


class UsageGap(Base):
    """Records of an edge that are missing, or that can't be placed. Of all tenants: nobody knows whose requests were in
    them."""

    __tablename__ = "usage_gaps"
    __table_args__ = (
        Index("ix_usage_gaps_until", "to_s"),
        UniqueConstraint("edge", "boot", "kind", "first_sequence"),
    )
    row_policy: ClassVar[RowPolicy] = RowPolicy(("SELECT",))

    id: Mapped[int] = mapped_column(primary_key=True)
    edge: Mapped[str] = mapped_column(String(40))
    boot: Mapped[str] = mapped_column(String(40))
    kind: Mapped[str] = mapped_column(String(12))
    """`lost`: they were never read. `unreadable`: they could not be. `late`: they are counted, but within this time it
    is not known when. `clock`: they are counted at the time when they were read, since the edge's time can't be."""
    first_sequence: Mapped[int] = mapped_column(BigInteger)
    last_sequence: Mapped[int] = mapped_column(BigInteger)
    from_s: Mapped[int] = mapped_column(BigInteger)
    """Unix seconds."""
    to_s: Mapped[int] = mapped_column(BigInteger)


class UsageMeter(Base):
    """The counters of a replica's container that its use is counted up to."""

    __tablename__ = "usage_meters"
    row_policy: ClassVar[RowPolicy] = PLATFORM_ONLY

    replica_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    container_id: Mapped[str] = mapped_column(String(64))
    at_ms: Mapped[int] = mapped_column(BigInteger, index=True)
    cpu_us: Mapped[int] = mapped_column(BigInteger)
    memory_bytes: Mapped[int] = mapped_column(BigInteger)
    network_in_bytes: Mapped[int] = mapped_column(BigInteger)
    network_out_bytes: Mapped[int] = mapped_column(BigInteger)
