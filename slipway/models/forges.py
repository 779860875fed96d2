"""What happens at forges: pull requests that have previews, the platform's GitHub App and where tenants have installed
it, and what GitHub was sent about deployments."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from slipway.models.base import Base, TenantOwned, now
from slipway.models.row_policies import PLATFORM_ONLY, RowPolicy


class Preview(TenantOwned, Base):
    """One pull request of an app's repository. The webhook and the API write what is wanted, the agent does it."""

    __tablename__ = "previews"
    __table_args__ = (
        UniqueConstraint("parent_id", "number"),
        UniqueConstraint("app_id"),
        Index("ix_previews_settled", "settled"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    parent_id: Mapped[int] = mapped_column(ForeignKey("apps.id", ondelete="CASCADE"))
    """The app that it previews."""
    app_id: Mapped[int | None] = mapped_column(ForeignKey("apps.id", ondelete="SET NULL"))
    """The app that was made for it; None: not yet, or it was removed."""
    number: Mapped[int]
    title: Mapped[str] = mapped_column(String(200), default="")
    author: Mapped[str] = mapped_column(String(255), default="")
    branch: Mapped[str] = mapped_column(String(250))
    """The pull request's own, in its own repository."""
    ref: Mapped[str] = mapped_column(String(300))
    """The full ref that the app's repository has of it."""
    head: Mapped[str] = mapped_column(String(64))
    is_fork: Mapped[bool]
    is_open: Mapped[bool] = mapped_column(default=True)
    event_at: Mapped[datetime | None]
    """When the forge changed the pull request last, as far as is known: what is older says nothing."""
    made_sha: Mapped[str] = mapped_column(String(64), default="")
    """The head that was deployed last, or whose preview somebody removed: nothing is made of it any more."""
    approved_sha: Mapped[str] = mapped_column(String(64), default="")
    """Of a fork: the commit that may be deployed."""
    approved_by: Mapped[str] = mapped_column(String(255), default="")
    expires_at: Mapped[datetime]
    detail: Mapped[str] = mapped_column(Text, default="")
    """Why there is no preview of its head, such as a quota."""
    key: Mapped[str] = mapped_column(String(32))
    """Random: its comment is found by it, and a fork's builds are kept apart by it."""
    comment_id: Mapped[str] = mapped_column(String(40), default="")
    """The forge's number of the comment; empty: none is known."""
    comment_digest: Mapped[str] = mapped_column(String(64), default="")
    """SHA-256 of what the comment says."""
    settled: Mapped[bool] = mapped_column(default=False, server_default=false())
    """It is closed, and there is nothing left to do about it."""
    created_at: Mapped[datetime] = mapped_column(default=now)


class GitHubApp(Base):
    """The App that was registered from this platform's manifest; one row at most."""

    __tablename__ = "github_apps"
    row_policy: ClassVar[RowPolicy] = PLATFORM_ONLY

    app_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    api: Mapped[str] = mapped_column(String(300))
    """The address of the API of the GitHub that has it."""
    slug: Mapped[str] = mapped_column(String(100))
    client_id: Mapped[str] = mapped_column(String(100))
    sealed_client_secret: Mapped[str] = mapped_column(Text)
    sealed_key: Mapped[str] = mapped_column(Text)
    sealed_webhook_secret: Mapped[str] = mapped_column(Text)
    """With the key of hooks' secrets: the webhook can't open the other two."""
    created_at: Mapped[datetime] = mapped_column(default=now)


class GitHubInstallation(TenantOwned, Base):
    """An installation of the App that a tenant has connected. Its repositories serve this tenant alone."""

    __tablename__ = "github_installations"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    """GitHub's."""
    account: Mapped[str] = mapped_column(String(100))
    """The login of the user or the organization whose repositories it has."""
    selection: Mapped[str] = mapped_column(String(10))
    """`all` or `selected` repositories."""
    state: Mapped[str] = mapped_column(String(10))
    """`core.github.app_events.InstallationState`."""
    connected_by: Mapped[str] = mapped_column(String(100))
    """The login at GitHub of who showed that they administer the account."""
    created_at: Mapped[datetime] = mapped_column(default=now)


class GitHubReport(TenantOwned, Base):
    """What GitHub has of a deployment."""

    __tablename__ = "github_reports"

    deployment_id: Mapped[int] = mapped_column(
        ForeignKey("deployments.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    repository: Mapped[str] = mapped_column(String(201))
    """`owner/name`, which the two ids are of."""
    github_deployment_id: Mapped[int | None] = mapped_column(BigInteger)
    check_run_id: Mapped[int | None] = mapped_column(BigInteger)
    serves: Mapped[bool] = mapped_column(default=False, server_default=false(), index=True)
    """GitHub shows it as the one that serves."""
