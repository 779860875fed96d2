"""Requests that people tried at their apps, to be repeated."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from slipway.models.base import Base, TenantOwned, now


class TriedRequest(TenantOwned, Base):
    """The last ones of each person and app, and those that have a name."""

    __tablename__ = "tried_requests"
    __table_args__ = (Index("ix_tried_requests_app_person", "app_id", "person"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    app_id: Mapped[int] = mapped_column(ForeignKey("apps.id", ondelete="CASCADE"))
    person: Mapped[str] = mapped_column(String(255))
    """Who tried it: nobody else sees it while it has no name."""
    name: Mapped[str] = mapped_column(String(80), default="")
    """Under which it is saved, for all who may try requests at the app; empty: it is not."""
    sealed: Mapped[str] = mapped_column(Text)
    """Method, host, path, headers and body: they may hold what a client proves itself with to the app."""
    sealed_answer: Mapped[str | None] = mapped_column(Text, deferred=True)
    """Its beginning, for who tried it alone, whoever sees the request; None: there was none, or they were several."""
    status: Mapped[int | None]
    """Of the answer; None: there was none, or they were several."""
    total_ms: Mapped[int | None]
    tried_at: Mapped[datetime] = mapped_column(default=now)
