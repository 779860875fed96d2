"""Certificates of hosts, and what is found when one is checked."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from router.documents.document import Document, one_of
from slipway.core.certificates.states import State


class HostCertificate(Document):
    """Of one host. A renewal leaves the state as it is."""

    state: str = Field(description=f"{one_of(State)} `none`: no authority certifies such a name.")
    reason: str = Field(description="Why the last attempt failed: a stable code. Empty: it did not.")
    detail: str
    next_step: str = Field(description="What happens by itself, or what to do.")
    source: str = Field(description="`acme`: from an authority; `own`: somebody gave it.")
    authority: str = Field(description="The ACME directory that issued it. Empty: none did.")
    issuer: str = Field(description="Who signed an own one.")
    alarm: bool = Field(description="A quarter of its life or less is left, and it was not renewed.")
    serial: str = Field(description="In hexadecimal; empty: nothing was issued yet.")
    not_after: datetime | None = Field(description="When it runs out.")
    renew_at: datetime | None
    next_attempt_at: datetime | None = Field(description="After a failure.")


class DnsRecord(Document):
    type: str
    name: str
    value: str


class HostCheck(Document):
    """What keeps an authority from certifying a host, as far as this server sees it."""

    host: str
    ok: bool
    reason: str
    detail: str
    remedy: str
    set_records: list[DnsRecord] = Field(description="To be set at the DNS provider.")
    remove_records: list[DnsRecord]
    certificate: HostCertificate | None = Field(description="null: this installation serves no HTTPS.")


class GivenCertificate(Document):
    """A certificate that somebody gave for a host. Its key is shown to nobody."""

    host: str
    names: list[str] = Field(description="All that stand in it; it is served for the host alone.")
    serial: str = Field(description="In hexadecimal.")
    issuer: str
    not_before: datetime
    not_after: datetime
    warnings: list[str]
    certificate: HostCertificate = Field(description="How the host's stands: what was served before is, until this is.")


class CertificateExpiry(Document):
    names: list[str]
    source: str = Field(description="`acme`: from an authority; `own`: somebody gave it.")
    state: str = Field(description=one_of(State))
    not_after: datetime | None
    expires_in_s: float | None = Field(description="Below zero: it has run out.")
    alarm: bool = Field(description="A quarter of its life or less is left, and it was not renewed.")


class PlatformCertificate(CertificateExpiry):
    """One of any tenant's, or of the platform's own hosts."""

    tenant: str | None = Field(description="null: the platform's.")
    app: str | None
    reason: str
    next_step: str


class Certificates(Document):
    certificates: list[PlatformCertificate]
