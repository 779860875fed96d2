"""Trusted publishers: whose CI jobs may deploy an app, and what those jobs were given."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from slipway.models.base import Base, TenantOwned, now


class TrustedPublisher(TenantOwned, Base):
    """Jobs that an issuer vouches for, and that may deploy one app (`core.access.trusted_publishers.Publisher`)."""

    __tablename__ = "trusted_publishers"

    id: Mapped[int] = mapped_column(primary_key=True)
    app_id: Mapped[int] = mapped_column(ForeignKey("apps.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(String(10))
    issuer: Mapped[str] = mapped_column(String(500))
    constraints: Mapped[dict[str, Any]] = mapped_column(default=dict)
    pinned: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """Claims that the first token brought, and that every later one has to have."""
    created_at: Mapped[datetime] = mapped_column(default=now)
    used_at: Mapped[datetime | None]


class PublishToken(TenantOwned, Base):
    """What a CI job got for its own token: it is of one app, ends within minutes, and with its publisher at once."""

    __tablename__ = "publish_tokens"

    id: Mapped[int] = mapped_column(primary_key=True)
    publisher_id: Mapped[int] = mapped_column(ForeignKey("trusted_publishers.id", ondelete="CASCADE"), index=True)
    app_id: Mapped[int] = mapped_column(ForeignKey("apps.id", ondelete="CASCADE"), index=True)
    hashed: Mapped[str] = mapped_column(String(64), unique=True)
    """SHA-256 of the token, hex."""
    job: Mapped[str] = mapped_column(String(600))
    """Which job has it, for people."""
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime]


class SpentJobToken(TenantOwned, Base):
    """A CI job's own token that was exchanged: it is good once. The row outlives publisher and app, which somebody may
    remove and make anew."""

    __tablename__ = "spent_job_tokens"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    """SHA-256 of issuer and token id, hex."""
    expires_at: Mapped[datetime] = mapped_column(index=True)
