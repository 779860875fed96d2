"""Services that stand beside apps: which there are, which apps use them, and what is done in them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from slipway.core.attached.tasks import TaskState
from slipway.models.base import Base, TenantOwned, now


class AttachedService(TenantOwned, Base):
    """An app that is a service: a database or a store, for other apps of its tenant."""

    __tablename__ = "attached_services"
    __table_args__ = (UniqueConstraint("app_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    app_id: Mapped[int] = mapped_column(ForeignKey("apps.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(20))
    """A name in `slipway.core.attached.kinds.KINDS`."""
    version: Mapped[str] = mapped_column(String(20))
    schedule: Mapped[str] = mapped_column(String(120), default="")
    """Of its backups: a cron expression, in UTC. Empty: none are made by themselves."""
    scheduled_at: Mapped[datetime] = mapped_column(default=now)
    """When the schedule was set last: ticks before that were another one's."""
    backups_kept: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(default=now)


class ServiceAttachment(TenantOwned, Base):
    """An app that has a service's address in one of its variables."""

    __tablename__ = "service_attachments"
    __table_args__ = (UniqueConstraint("service_id", "app_id"), UniqueConstraint("app_id", "variable"))

    id: Mapped[int] = mapped_column(primary_key=True)
    service_id: Mapped[int] = mapped_column(ForeignKey("attached_services.id", ondelete="CASCADE"))
    app_id: Mapped[int] = mapped_column(ForeignKey("apps.id", ondelete="CASCADE"))
    variable: Mapped[str] = mapped_column(String(128))
    created_at: Mapped[datetime] = mapped_column(default=now)


class ServiceTask(TenantOwned, Base):
    """Something that the agent does in a service's container. One that made a backup is that backup."""

    __tablename__ = "service_tasks"
    __table_args__ = (
        UniqueConstraint("service_id", "tick", name="uq_service_tasks_tick"),
        Index("ix_service_tasks_service", "service_id", "kind", "id"),
        Index("ix_service_tasks_state", "state"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    service_id: Mapped[int] = mapped_column(ForeignKey("attached_services.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(20), default=str(TaskState.PENDING))
    attempt: Mapped[int] = mapped_column(default=0)
    actor: Mapped[str] = mapped_column(String(255))
    tick: Mapped[datetime | None]
    """Of a backup by schedule, when that wanted it."""
    backup_id: Mapped[int | None]
    """Of a restore: the backup. No foreign key: a policy of PostgreSQL can't look into its own table."""
    sealed: Mapped[str | None] = mapped_column(Text)
    """Of a rotation: the password to come, until it is in force."""
    file: Mapped[str] = mapped_column(String(64), default="")
    """Of a backup: its file's name, which can't be guessed and never comes again."""
    size_bytes: Mapped[int | None] = mapped_column(BigInteger)
    """Of the file."""
    digest: Mapped[str] = mapped_column(String(64), default="")
    """Of the file: SHA-256, in hexadecimal digits."""
    reason: Mapped[str] = mapped_column(String(60), default="")
    detail: Mapped[str] = mapped_column(Text, default="")
    remedy: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(default=now)
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
