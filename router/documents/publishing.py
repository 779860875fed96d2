"""Trusted publishers of an app, and what their CI jobs get."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from router.documents.document import Document, one_of
from slipway.core.access.trusted_publishers import IssuerKind


class TrustedPublisher(Document):
    id: int
    kind: str = Field(description=one_of(IssuerKind))
    issuer: str
    constraints: dict[str, str] = Field(description="What a job's token has to say.")
    pinned: dict[str, str] = Field(description="What the first token said, and every later one has to say as well.")
    created_at: datetime
    used_at: datetime | None = Field(description="When a job last got a token; null: never.")


class TrustedPublishers(Document):
    publishers: list[TrustedPublisher]


class PublishToken(Document):
    """As RFC 8693, 2.2.1 has it."""

    access_token: str = Field(description="For deployments of the app alone. It is in this answer only.")
    issued_token_type: str
    token_type: str
    expires_in: int = Field(description="Seconds.")
