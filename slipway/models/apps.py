"""What people set up: apps with their scale, variables, domains and volumes; hooks with their secrets."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column

from slipway.models.base import Base, Changing, TenantOwned, now
from slipway.models.row_policies import PLATFORM_ONLY, RowPolicy


class App(TenantOwned, Changing, Base):
    __tablename__ = "apps"
    __table_args__ = (
        UniqueConstraint("tenant_id", "name"),
        Index("ix_apps_tenant_changed", "tenant_id", "changed_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(40))
    source: Mapped[str] = mapped_column(String(10), default="git")
    """`git` or `image`."""
    repository: Mapped[str] = mapped_column(Text, default="")
    """Clone URL, without credentials."""
    repository_identity: Mapped[str] = mapped_column(String(400), default="", index=True)
    branch: Mapped[str] = mapped_column(String(250), default="main")
    image: Mapped[str] = mapped_column(Text, default="")
    """What is pulled at each deployment, where the source is an image."""
    credential: Mapped[str | None] = mapped_column(Text)
    """Sealed: a token or a deploy key (PEM) for the repository; `user:password` for the image's registry."""
    settings: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """AppSettings as given through the API."""
    next_sequence: Mapped[int] = mapped_column(default=1)
    head: Mapped[str | None] = mapped_column(String(64))
    """Last commit of the branch that was seen by comparing heads."""
    branch_sequence: Mapped[int] = mapped_column(default=0, server_default="0")
    """The next sequence when the repository or the branch was set last: no deployment below it says anything of it."""
    polled_at: Mapped[datetime | None]
    build_inputs_changed_at: Mapped[datetime | None]
    """When something that builds take was changed last: the repository, a build variable, one of the settings that an
    image is made with. None: never since the app was created."""
    is_preview: Mapped[bool] = mapped_column(default=False, server_default=false())
    """It was made for a pull request (`slipway.models.Preview`): deliveries and comparing heads leave it out."""
    created_at: Mapped[datetime] = mapped_column(default=now)
    deleted_at: Mapped[datetime | None]
    """Set: the agent removes what belongs to it, then the row."""


class Scale(TenantOwned, Base):
    """Desired replicas of one process."""

    __tablename__ = "scale"
    __table_args__ = (UniqueConstraint("app_id", "environment", "process"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    app_id: Mapped[int] = mapped_column(ForeignKey("apps.id", ondelete="CASCADE"))
    environment: Mapped[str] = mapped_column(String(40), default="production")
    process: Mapped[str] = mapped_column(String(40), default="web")
    replicas: Mapped[int] = mapped_column(default=1)


class Variable(TenantOwned, Base):
    """One environment variable, sealed, for builds or for replicas."""

    __tablename__ = "variables"
    __table_args__ = (UniqueConstraint("app_id", "environment", "scope", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    app_id: Mapped[int] = mapped_column(ForeignKey("apps.id", ondelete="CASCADE"))
    environment: Mapped[str] = mapped_column(String(40), default="production")
    scope: Mapped[str] = mapped_column(String(10), default="run")
    """`build` or `run`."""
    name: Mapped[str] = mapped_column(String(128))
    sealed: Mapped[str] = mapped_column(Text)
    is_secret: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Somebody marked it so: it is masked wherever output is kept or shown, however ordinary it looks."""
    updated_at: Mapped[datetime] = mapped_column(default=now, onupdate=now)


class Domain(TenantOwned, Base):
    """A host that leads to an app's process."""

    __tablename__ = "domains"

    id: Mapped[int] = mapped_column(primary_key=True)
    app_id: Mapped[int] = mapped_column(ForeignKey("apps.id", ondelete="CASCADE"), index=True)
    environment: Mapped[str] = mapped_column(String(40), default="production")
    process: Mapped[str] = mapped_column(String(40), default="web")
    host: Mapped[str] = mapped_column(String(253), unique=True)
    """In its ASCII form; `*.x` stands for every name one label below x that is no host of its own."""
    custom: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Somebody added it; False: the app got it when it was made."""
    registered_domain: Mapped[str] = mapped_column(String(253), default="", server_default=text("''"), index=True)
    """The part of it that somebody registered, by the list of public suffixes as it was then."""
    redirect_to: Mapped[str | None] = mapped_column(String(253))
    """Another host of the app, to which the edge sends whoever asks for this one."""
    proven_at: Mapped[datetime | None]
    """When a TXT record showed that the domain is the tenant's; None: nobody else was there, so none was asked for."""
    created_at: Mapped[datetime] = mapped_column(default=now)


class FormerDomain(Base):
    """A host that no longer leads to an app. Kept for a while, also when the tenant is gone: the domain's records may
    still lead here, and nobody else gets it without proof."""

    __tablename__ = "former_domains"
    row_policy: ClassVar[RowPolicy] = PLATFORM_ONLY

    id: Mapped[int] = mapped_column(primary_key=True)
    host: Mapped[str] = mapped_column(String(253), unique=True)
    registered_domain: Mapped[str] = mapped_column(String(253), index=True)
    tenant_mark: Mapped[str] = mapped_column(String(32), index=True)
    """The last tenant's, as `core.dns.claims.tenant_mark` makes it: ids of tenants come again."""
    released_at: Mapped[datetime] = mapped_column(default=now, index=True)


class Volume(TenantOwned, Base):
    """Data of one app and environment in the container runtime. The row stands from before the volume is made until
    after it is removed, also when the app is deleted."""

    __tablename__ = "volumes"
    __table_args__ = (UniqueConstraint("app_id", "environment", "name"),)

    id: Mapped[str] = mapped_column(String(140), primary_key=True)
    """Its name in the runtime and to people: `shop-production-data-3f9a1c2e`. App ids come again on SQLite, and apps'
    names everywhere; the random end makes sure that no app ever gets the data of another."""
    app_id: Mapped[int | None] = mapped_column(ForeignKey("apps.id", ondelete="SET NULL"))
    """None: the app was deleted, or the volume is to be removed. No new container mounts it."""
    app_name: Mapped[str] = mapped_column(String(40))
    environment: Mapped[str] = mapped_column(String(40), default="production")
    name: Mapped[str] = mapped_column(String(40))
    mount_path: Mapped[str] = mapped_column(String(250))
    """Where it was mounted last."""
    created_at: Mapped[datetime] = mapped_column(default=now)
    used_at: Mapped[datetime] = mapped_column(default=now)
    """When a container last mounted it."""
    removal_requested_at: Mapped[datetime | None]
    """Set: the agent removes it, then the row."""


class Hook(TenantOwned, Base):
    """A webhook address of one tenant and one repository."""

    __tablename__ = "hooks"

    id: Mapped[str] = mapped_column(String(43), primary_key=True)
    repository_identity: Mapped[str] = mapped_column(String(400), index=True)
    """`host/owner/name`; deliveries are matched by its `owner/name`."""
    created_at: Mapped[datetime] = mapped_column(default=now)


class HookSecret(TenantOwned, Base):
    """One of a hook's secrets, sealed. Rotation adds one and gives the old an end."""

    __tablename__ = "hook_secrets"

    id: Mapped[int] = mapped_column(primary_key=True)
    hook_id: Mapped[str] = mapped_column(ForeignKey("hooks.id", ondelete="CASCADE"), index=True)
    sealed: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime | None]
