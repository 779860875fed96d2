"""What runs and how traffic reaches it: replicas, their addresses, targets, the route table's generation, edges."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, ForeignKey, Index, String, false
from sqlalchemy.orm import Mapped, mapped_column

from slipway.models.base import Base, Changing, TenantOwned, now
from slipway.models.row_policies import RowPolicy


class Replica(TenantOwned, Changing, Base):
    """The record of one container. The container runtime is the truth while it exists; this outlives it."""

    __tablename__ = "replicas"
    __table_args__ = (
        Index("ix_replicas_app_ended", "app_id", "ended_at"),
        Index("ix_replicas_tenant_changed", "tenant_id", "changed_at"),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    app_id: Mapped[int] = mapped_column(ForeignKey("apps.id", ondelete="CASCADE"))
    environment: Mapped[str] = mapped_column(String(40), default="production")
    process: Mapped[str] = mapped_column(String(40), default="web")
    release_id: Mapped[int] = mapped_column(ForeignKey("releases.id", ondelete="CASCADE"))
    deployment_id: Mapped[int | None] = mapped_column(ForeignKey("deployments.id", ondelete="SET NULL"))
    slot: Mapped[int]
    container_id: Mapped[str | None] = mapped_column(String(64))
    address: Mapped[str | None] = mapped_column(String(45))
    state: Mapped[str] = mapped_column(String(20), default="starting")
    """`starting`, `ready`, `draining`, `crashed` or `gone`."""
    restarts: Mapped[int] = mapped_column(default=0)
    exit_code: Mapped[int | None]
    last_crash: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    """core.rollout.crash.Crash as JSON: how its container last ended by itself."""
    out_of_memory_at: Mapped[datetime | None]
    """When the kernel last killed a process of it for lack of memory."""
    created_at: Mapped[datetime] = mapped_column(default=now)
    started_at: Mapped[datetime | None]
    """When its container last started; None: it never ran."""
    ready_at: Mapped[datetime | None]
    retry_at: Mapped[datetime | None]
    """When a crashed one is started again."""
    ended_at: Mapped[datetime | None]


class Target(TenantOwned, Base):
    """A replica's address that the edges may send requests to."""

    __tablename__ = "targets"

    id: Mapped[int] = mapped_column(primary_key=True)
    app_id: Mapped[int] = mapped_column(ForeignKey("apps.id", ondelete="CASCADE"), index=True)
    environment: Mapped[str] = mapped_column(String(40), default="production")
    process: Mapped[str] = mapped_column(String(40), default="web")
    replica_id: Mapped[str] = mapped_column(String(40), unique=True)
    address: Mapped[str] = mapped_column(String(45))
    port: Mapped[int]
    standby: Mapped[bool] = mapped_column(default=False, server_default=false())
    """A target of the release before: it gets only requests that no target of the new release takes."""


class RouteTable(Base):
    """One row: the generation that grows with every change of routes or targets, in the same transaction."""

    __tablename__ = "route_table"
    row_policy: ClassVar[RowPolicy] = RowPolicy(("SELECT", "INSERT", "UPDATE"))

    id: Mapped[int] = mapped_column(primary_key=True)
    generation: Mapped[int] = mapped_column(default=0)
    epoch: Mapped[str] = mapped_column(String(40), default="")
    sign_on: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether the entries of this epoch were written with sign-on, which decides who may use an app that says
    nothing."""


class RouteChange(Base):
    """A host whose entry changed in a generation and waits to be published."""

    __tablename__ = "route_changes"
    row_policy: ClassVar[RowPolicy] = RowPolicy(("INSERT",))  # its rows name the hosts of all tenants

    id: Mapped[int] = mapped_column(primary_key=True)
    generation: Mapped[int] = mapped_column(index=True)
    host: Mapped[str] = mapped_column(String(253))


class Edge(Base):
    """A registered edge. Silence never removes it."""

    __tablename__ = "edges"
    row_policy: ClassVar[RowPolicy] = RowPolicy(("SELECT",))

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    registered_at: Mapped[datetime] = mapped_column(default=now)


class Address(TenantOwned, Base):
    """An address of a tenant's network: in use by a replica, or quarantined after one."""

    __tablename__ = "addresses"

    address: Mapped[str] = mapped_column(String(45), primary_key=True)
    replica_id: Mapped[str | None] = mapped_column(String(40), unique=True)
    """None: quarantined."""
    rests_from: Mapped[int | None]
    """The generation that every edge must have confirmed before it is used again."""
    released_at: Mapped[datetime | None]
