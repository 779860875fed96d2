"""What happens: deliveries, deployments, builds and releases."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ColumnElement, ForeignKey, Index, String, Text, UniqueConstraint, and_, text
from sqlalchemy.orm import Mapped, declared_attr, mapped_column, relationship

from slipway.core.deployment.ordering import Candidate
from slipway.core.deployment.states import Kind, State
from slipway.models.base import Base, Changing, TenantOwned, now


class Delivery(TenantOwned, Base):
    """One call of a hook that carried a valid signature."""

    __tablename__ = "deliveries"
    __table_args__ = (
        UniqueConstraint("hook_id", "delivery_id"),
        Index("ix_deliveries_tenant_received", "tenant_id", "received_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    hook_id: Mapped[str] = mapped_column(ForeignKey("hooks.id", ondelete="CASCADE"))
    delivery_id: Mapped[str] = mapped_column(String(100))
    event: Mapped[str] = mapped_column(String(40))
    ref: Mapped[str] = mapped_column(String(300), default="")
    commit_sha: Mapped[str] = mapped_column(String(64), default="")
    outcome: Mapped[str] = mapped_column(String(20))
    """`deployed`, `ignored` (nothing to deploy) or `refused` (signed, but not understood)."""
    reason: Mapped[str] = mapped_column(Text, default="")
    body_digest: Mapped[str] = mapped_column(String(64), default="", index=True)
    """SHA-256 of the raw body: the signature covers nothing else, so the same body is a repetition."""
    received_at: Mapped[datetime] = mapped_column(default=now)


class Deployment(TenantOwned, Changing, Base):
    """One try to make a commit or an image live."""

    __tablename__ = "deployments"
    __table_args__ = (
        UniqueConstraint("app_id", "idempotency_key"),
        UniqueConstraint("app_id", "sequence"),
        Index(
            "ix_deployments_one_live",
            "app_id",
            "environment",
            unique=True,
            # On PostgreSQL, too: the migration says so. Said here, it would load that dialect's 2 MB everywhere.
            sqlite_where=text("state = 'live'"),
        ),
        Index("ix_deployments_state", "state"),
        Index("ix_deployments_tenant_changed", "tenant_id", "changed_at"),
        Index("ix_deployments_tenant_state", "tenant_id", "state", "app_id", "environment"),
        Index("ix_deployments_tenant_app", "tenant_id", "app_id", "environment", "id"),
        Index("ix_deployments_reported_state", "reported_state", "state"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)

    @declared_attr
    def tenant_id(cls) -> Mapped[int]:  # noqa: N805
        """Without an index of its own: SQLite would take it where another one has also the app or the state."""
        return mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"))

    app_id: Mapped[int] = mapped_column(ForeignKey("apps.id", ondelete="CASCADE"))
    environment: Mapped[str] = mapped_column(String(40), default="production")
    kind: Mapped[str] = mapped_column(String(20))
    source: Mapped[str] = mapped_column(String(10), default="git")
    sequence: Mapped[int]
    image_sequence: Mapped[int]
    idempotency_key: Mapped[str] = mapped_column(String(200))
    delivery_row: Mapped[int | None] = mapped_column(ForeignKey("deliveries.id", ondelete="SET NULL"), index=True)
    ref: Mapped[str] = mapped_column(String(300), default="")
    """Full ref (`refs/heads/main`), or what was asked for by hand; of an image its name with tag or digest."""
    commit_sha: Mapped[str] = mapped_column(String(64), default="")
    """Empty for a manual deployment until its ref was resolved. Of an image: its digest in the registry (sha256),
    without the algorithm's name."""
    message: Mapped[str] = mapped_column(Text, default="")
    pushed_by: Mapped[str] = mapped_column(String(255), default="")
    actor: Mapped[str] = mapped_column(String(255), default="")
    release_id: Mapped[int | None] = mapped_column(ForeignKey("releases.id", ondelete="SET NULL"))
    """What it makes live: set when starting begins; for a rollback from the first."""
    promoted: Mapped[dict[str, Any] | None]
    """core.deployment.promotion.PromotedImage as JSON, where it brings another app's image."""
    previous_id: Mapped[int | None]
    """The deployment that was live when this one switched."""

    state: Mapped[str] = mapped_column(String(20), default=State.QUEUED)
    stop_requested: Mapped[str | None] = mapped_column(String(20))
    """`cancelled` or `superseded`: the worker or the agent stops the work and moves it there."""
    stop_why: Mapped[str] = mapped_column(Text, default="")
    reason: Mapped[str] = mapped_column(String(60), default="")
    """Stable code of how it ended, such as `build-failed`."""
    detail: Mapped[str] = mapped_column(Text, default="")
    remedy: Mapped[str] = mapped_column(Text, default="")
    tail: Mapped[str] = mapped_column(Text, default="")
    """Last lines of the build's or the replica's output, redacted."""
    steps: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    """`[{"name": "build", "started_at", "ended_at", "ok", "note"}]`, in order; times are Unix seconds."""

    notices: Mapped[list[str] | None]
    """Notices for the app's owner about what the deployment accepts; None: it was never started."""

    attempt: Mapped[int] = mapped_column(default=0)
    """Grows each time the deployment is queued; a worker with an older attempt may write nothing."""
    heartbeat_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=now)
    started_at: Mapped[datetime | None]
    live_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    reported_state: Mapped[str | None] = mapped_column(String(20))
    """The end that the agent has reported to the log and to the forge: a state in `ENDED`; None: no end yet."""
    build_times: Mapped[list[BuildTime]] = relationship(order_by="BuildTime.id", passive_deletes="all")

    def candidate(self) -> Candidate:
        """This row as a value for `slipway.core.deployment.ordering`."""
        frozen = self.state == State.STARTING and self.release_id is not None
        return Candidate(self.id, self.sequence, self.image_sequence, Kind(self.kind), State(self.state), frozen)


def cancelled_unbegun() -> ColumnElement[bool]:
    """Pushes that were cancelled before a worker had begun, and so never compared with their branch's head."""
    unbegun = and_(Deployment.state == str(State.CANCELLED), Deployment.started_at.is_(None))
    return and_(unbegun, Deployment.kind == str(Kind.PUSH))


class BuildTime(TenantOwned, Base):
    """How long one attempt at a build took, however it ended: what the tenant's build minutes are counted from. It
    outlives the deployment and the app."""

    __tablename__ = "build_times"
    __table_args__ = (Index("ix_build_times_tenant_started", "tenant_id", "started_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    app_id: Mapped[int]
    """No foreign key: the app may be gone, and on SQLite another one may have its number then."""
    deployment_id: Mapped[int | None] = mapped_column(ForeignKey("deployments.id", ondelete="SET NULL"), index=True)
    started_at: Mapped[datetime] = mapped_column(default=now)
    ended_at: Mapped[datetime | None]
    """None: it goes on."""


class Build(TenantOwned, Base):
    """What a worker made of a commit, or pulled from a registry: an image."""

    __tablename__ = "builds"

    id: Mapped[int] = mapped_column(primary_key=True)
    app_id: Mapped[int] = mapped_column(ForeignKey("apps.id", ondelete="CASCADE"), index=True)
    deployment_id: Mapped[int] = mapped_column(ForeignKey("deployments.id", ondelete="CASCADE"), index=True)
    image: Mapped[str] = mapped_column(String(300))
    """Tag that can't be guessed."""
    digest: Mapped[str] = mapped_column(String(80))
    """`sha256:…`; what replicas are started from."""
    exposed_port: Mapped[int | None]
    builder: Mapped[str] = mapped_column(String(40), default="dockerfile")
    """`dockerfile`, the detected template's name, or `image` for one that was pulled."""
    file_settings: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """slipway.toml as it stood in the commit."""
    processes: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """Process → command line found in the Procfile; slipway.toml's go before."""
    steps_total: Mapped[int] = mapped_column(default=0)
    steps_cached: Mapped[int] = mapped_column(default=0)
    size_bytes: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(default=now)


class Release(TenantOwned, Base):
    """Image digest and configuration snapshot. Immutable."""

    __tablename__ = "releases"
    __table_args__ = (UniqueConstraint("app_id", "environment", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    app_id: Mapped[int] = mapped_column(ForeignKey("apps.id", ondelete="CASCADE"))
    environment: Mapped[str] = mapped_column(String(40), default="production")
    number: Mapped[int]
    """1, 2, 3 … of the app and environment: shown as v1, v2, v3."""
    image: Mapped[str] = mapped_column(String(300))
    digest: Mapped[str] = mapped_column(String(80))
    commit_sha: Mapped[str] = mapped_column(String(64), default="")
    build_id: Mapped[int | None]
    """No foreign key: builds refer to deployments, which refer to releases."""
    configuration: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """core.configuration.Configuration as JSON; variables stay sealed."""
    created_at: Mapped[datetime] = mapped_column(default=now)
    collected_at: Mapped[datetime | None]
    """Set: the image was removed; no longer a rollback's goal."""
