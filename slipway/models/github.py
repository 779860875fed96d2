"""The platform's GitHub App, where tenants have installed it, and what GitHub was sent about deployments."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from sqlalchemy import BigInteger, ForeignKey, String, Text, false
from sqlalchemy.orm import Mapped, mapped_column

from slipway.models.base import Base, TenantOwned, now
from slipway.models.row_policies import PLATFORM_ONLY, RowPolicy


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
