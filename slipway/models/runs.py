"""Commands that run once in a container of an app's live release: by hand, or at the ticks of a schedule."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from slipway.core.runs.states import RunState
from slipway.models.base import Base, TenantOwned, now


class Run(TenantOwned, Base):
    """One command, from when it was asked for until long after it has ended."""

    __tablename__ = "runs"
    __table_args__ = (
        UniqueConstraint("app_id", "environment", "cron", "tick", name="uq_runs_tick"),
        Index("ix_runs_app", "app_id", "environment", "cron", "id"),
        Index("ix_runs_state", "state"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    app_id: Mapped[int] = mapped_column(ForeignKey("apps.id", ondelete="CASCADE"))
    environment: Mapped[str] = mapped_column(String(40), default="production")
    process: Mapped[str] = mapped_column(String(40), default="web")
    """Whose volumes it has."""
    release_id: Mapped[int | None] = mapped_column(ForeignKey("releases.id", ondelete="SET NULL"), index=True)
    command: Mapped[list[str]]
    timeout_s: Mapped[int]
    actor: Mapped[str] = mapped_column(String(255))
    cron: Mapped[str | None] = mapped_column(String(40))
    """The job of the schedule that it is a run of; None: somebody gave the command."""
    tick: Mapped[datetime | None]
    """When the schedule wanted it: at most one run of a job has it. None: somebody wanted it then."""
    state: Mapped[str] = mapped_column(String(20), default=str(RunState.PENDING))
    stop_requested: Mapped[str | None] = mapped_column(String(20))
    """`slipway.core.runs.states.Stop`: the agent ends it."""
    container_id: Mapped[str | None] = mapped_column(String(64))
    exit_code: Mapped[int | None]
    reason: Mapped[str] = mapped_column(String(60), default="")
    """Stable code of how it ended, such as `exit-code`; empty when it succeeded."""
    detail: Mapped[str] = mapped_column(Text, default="")
    remedy: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(default=now)
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
