"""Tenants, people, tokens and the record of who changed what."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from slipway.models.base import Base, TenantOwned, now
from slipway.models.row_policies import PLATFORM_ONLY, RowPolicy


class Plan(Base):
    """What the tenants that have it may use. The plan `default` is that of all others, and says what other plans leave
    open."""

    __tablename__ = "plans"
    row_policy: ClassVar[RowPolicy] = RowPolicy(("SELECT",))

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(40), unique=True)
    quotas: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """As `core.quota.quotas` has them."""
    host_quotas: Mapped[dict[str, Any] | None]
    """Of the plan `default`: Settings.default_quotas, for what its `quotas` do not say."""
    limits: Mapped[list[dict[str, Any]] | None]
    """On callers' requests, for each tenant over all its apps; None: those of the plan `default`."""
    created_at: Mapped[datetime] = mapped_column(default=now)


class Tenant(Base):
    __tablename__ = "tenants"
    row_policy: ClassVar[RowPolicy] = RowPolicy(("SELECT", "UPDATE"), "id")

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(40), unique=True)
    subnet: Mapped[str | None] = mapped_column(String(43), unique=True)
    """The tenant's own range, cut from Settings.subnets when its first replica starts."""
    limits: Mapped[list[dict[str, Any]] | None]
    """For all its apps together, as `core.app_settings.limits` has them."""
    plan_id: Mapped[int | None]
    """None: the plan `default`. No foreign key: SQLite can add none to a table that others refer to, and whoever
    removes a plan looks for its tenants."""
    quotas: Mapped[dict[str, Any] | None]
    """Which of its plan's quotas are others for this tenant."""
    created_at: Mapped[datetime] = mapped_column(default=now)


class User(Base):
    """A person as the identity provider last reported them."""

    __tablename__ = "users"
    row_policy: ClassVar[RowPolicy] = PLATFORM_ONLY

    id: Mapped[int] = mapped_column(primary_key=True)
    sub: Mapped[str] = mapped_column(String(255), unique=True)
    login: Mapped[str] = mapped_column(String(255), default="")
    email: Mapped[str] = mapped_column(String(320), default="")
    seen_at: Mapped[datetime | None]


class Token(TenantOwned, Base):
    """A bearer token of the API. Only its hash is kept."""

    __tablename__ = "tokens"
    __table_args__ = (UniqueConstraint("tenant_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(80))
    role: Mapped[str] = mapped_column(String(20), default="owner")
    hashed: Mapped[str] = mapped_column(String(64), unique=True)
    """SHA-256 of the token, hex: tokens are 256 random bits, so a slow hash would add nothing."""
    hint: Mapped[str] = mapped_column(String(16))
    """The token's first characters, to tell tokens apart."""
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class Invitation(TenantOwned, Base):
    """Somebody may become a member of the tenant, once, by a link. Only the hash of the link's secret is kept."""

    __tablename__ = "invitations"

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(255))
    """Whom the inviter meant. It proves nothing: whether somebody has that address is not known here."""
    role: Mapped[str] = mapped_column(String(20))
    hashed: Mapped[str] = mapped_column(String(64), unique=True)
    inviter: Mapped[str] = mapped_column(String(255))
    """As the audit log names them."""
    inviter_sub: Mapped[str] = mapped_column(String(255), default="")
    """Of the person who invited; empty: a token did."""
    token_id: Mapped[int | None] = mapped_column(ForeignKey("tokens.id", ondelete="SET NULL"))
    """The token that invited; None: a person did, or the token's row is gone."""
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    account_at: Mapped[datetime | None]
    """When an account was made by the link: it makes one at most."""
    claimed_by: Mapped[str] = mapped_column(String(255), default="")
    """The `sub` of the one person who may still finish accepting it; empty: nobody has begun to."""
    accepted_at: Mapped[datetime | None]
    accepted_login: Mapped[str] = mapped_column(String(255), default="")


class AuditRecord(Base):
    """Who changed what, when, from where. Never updated. Kept when the tenant is gone."""

    __tablename__ = "audit"
    row_policy: ClassVar[RowPolicy] = RowPolicy(("SELECT", "INSERT"), "tenant_id")

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int | None] = mapped_column(index=True)
    at: Mapped[datetime] = mapped_column(default=now)
    actor: Mapped[str] = mapped_column(String(255))
    """`token:<name>`, `hook:<id>`, `host` (the CLI on the host) or `platform: <reason>`."""
    action: Mapped[str] = mapped_column(String(80))
    subject: Mapped[str] = mapped_column(String(255))
    address: Mapped[str] = mapped_column(String(45), default="")
    request_id: Mapped[str] = mapped_column(String(64), default="")
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)
