"""Certificates, and each time an authority was asked for one."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from sqlalchemy import ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from slipway.models.base import Base, TenantOwned, now
from slipway.models.row_policies import PLATFORM_ONLY, RowPolicy

_IN_USE = text("state != 'removed'")


class Certificate(TenantOwned, Base):
    """A certificate of one set of names: wanted, issued, or to be removed. Its files are the edge's."""

    __tablename__ = "certificates"
    __table_args__ = (
        Index("uq_certificates_names_key", "names_key", unique=True, sqlite_where=_IN_USE, postgresql_where=_IN_USE),
        {"sqlite_autoincrement": True},  # the files of a removed one are never taken for another's
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    app_id: Mapped[int | None] = mapped_column(ForeignKey("apps.id", ondelete="SET NULL"), index=True)
    """None: of the platform's own hosts, or the app was deleted."""
    names: Mapped[list[str]]
    """Sorted, in ASCII; a name may begin with `*.`, or be an IP address."""
    names_key: Mapped[str] = mapped_column(Text)
    """The names, joined. One certificate at most is in use for each set of names."""
    source: Mapped[str] = mapped_column(String(10), default="acme")
    """`acme`, or `own`: given by its owner."""
    challenge: Mapped[str] = mapped_column(String(10), default="http-01")
    state: Mapped[str] = mapped_column(String(10), default="waiting", index=True)
    reason: Mapped[str] = mapped_column(String(40), default="")
    """Why the last attempt failed: a stable code. Empty: it did not fail."""
    detail: Mapped[str] = mapped_column(Text, default="")
    remedy: Mapped[str] = mapped_column(Text, default="")
    authority: Mapped[str] = mapped_column(Text, default="")
    """The ACME directory that issued what is in place. Empty: none did, as for an own certificate."""
    serial: Mapped[str] = mapped_column(String(64), default="")
    """In hexadecimal, of the one whose files are in place. Empty: there is none."""
    folder: Mapped[str] = mapped_column(String(64), default="", server_default=text("''"))
    """Where its files are, below the folder of this id: named by the serial, or of an own one by the files' digest."""
    not_before: Mapped[datetime | None]
    not_after: Mapped[datetime | None]
    renew_at: Mapped[datetime | None]
    ask_window_at: Mapped[datetime | None]
    """When the authority is asked again when to renew."""
    attempts: Mapped[int] = mapped_column(default=0)
    """How many failed since the last success."""
    next_attempt_at: Mapped[datetime | None]
    """None: no attempt failed, so the next one may begin at once."""
    lease: Mapped[int] = mapped_column(default=0)
    """Grows with each job: one with another number may write nothing any more."""
    heartbeat_at: Mapped[datetime | None]
    """Set while a job works on it."""
    issued_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now, onupdate=now)

    @declared_attr
    def tenant_id(cls) -> Mapped[int | None]:  # type: ignore[override]  # noqa: N805
        """None: the platform's, which no tenant sees."""
        return mapped_column(ForeignKey("tenants.id", ondelete="SET NULL"), index=True, nullable=True)


class OwnCertificate(TenantOwned, Base):
    """A certificate with its key that somebody gave for a host, sealed. It is there for as long as it shall be used."""

    __tablename__ = "own_certificates"

    id: Mapped[int] = mapped_column(primary_key=True)
    certificate_id: Mapped[int] = mapped_column(ForeignKey("certificates.id", ondelete="CASCADE"), unique=True)
    issuer: Mapped[str] = mapped_column(Text, default="")
    """Who signed it, as people read it."""
    sealed: Mapped[str] = mapped_column(Text)
    """Chain and key, with the key of `certificates.key`."""
    created_at: Mapped[datetime] = mapped_column(default=now)


class CertificateIssuance(Base):
    """One time that an authority was asked. What may be asked next is counted from these; they outlive the
    certificate, since the authority counts on, too."""

    __tablename__ = "certificate_issuances"
    row_policy: ClassVar[RowPolicy] = PLATFORM_ONLY
    __table_args__ = (Index("ix_certificate_issuances_of", "authority", "started_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    certificate_id: Mapped[int]
    authority: Mapped[str] = mapped_column(Text)
    names_key: Mapped[str] = mapped_column(Text)
    registered_domain: Mapped[str] = mapped_column(String(253))
    is_renewal: Mapped[bool] = mapped_column(default=False)
    """Of names that this authority has issued before."""
    started_at: Mapped[datetime] = mapped_column(default=now)
    ended_at: Mapped[datetime | None]
    outcome: Mapped[str] = mapped_column(String(40), default="")
    """`issued`, the reason of a failure, or `interrupted`; empty while it goes on."""
    failed_names: Mapped[list[str]] = mapped_column(default=list)
    """Whose authorization failed."""
