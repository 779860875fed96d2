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
    authority: str = Field(description="The ACME directory that issued it.")
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


class CertificateExpiry(Document):
    names: list[str]
    state: str = Field(description=one_of(State))
    not_after: datetime | None
    expires_in_s: float | None = Field(description="Below zero: it has run out.")
    alarm: bool = Field(description="A quarter of its life or less is left, and it was not renewed.")
