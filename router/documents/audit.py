"""The audit log, as people read it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from router.documents.document import Document, one_of
from slipway.domain.audit import Action


class AuditEntry(Document):
    """Who changed what, when, from where."""

    id: int
    at: datetime
    actor: str = Field(description="`token:<name>`, `person:<login>`, `hook:<id>`, `host` or `platform: <reason>`.")
    action: str = Field(description=one_of(Action))
    subject: str = Field(description="What was changed: an app, a host, a login.")
    address: str = Field(description="Of whoever asked; empty: not known.")
    request_id: str
    detail: dict[str, Any] = Field(description="What else is recorded of the action. No secrets.")


class AuditLog(Document):
    entries: list[AuditEntry] = Field(description="The newest first.")
    older: int | None = Field(description="`before` of the next entries; null: there are none.")
