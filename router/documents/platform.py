"""Accounts, tokens, the health of the platform, and problems."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from router.documents.document import Document, one_of


class Account(Document):
    tenant: str
    role: str
    token: str = Field(description="The name of the token that asks.")


class Token(Document):
    id: int
    name: str
    role: str
    hint: str
    created_at: datetime
    expires_at: datetime | None
    used_at: datetime | None


class IssuedToken(Token):
    token: str = Field(description="Shown this once.")


class Tokens(Document):
    tokens: list[Token]


class SystemStatus(StrEnum):
    OK = "ok"
    DEGRADED = "degraded"


class ServiceHealth(Document):
    ok: bool
    detail: str = ""


class EdgeHealth(Document):
    id: str
    ok: bool = Field(description="It serves the newest routes.")
    epoch: str
    generation: int
    confirmed_at: datetime | None


class System(Document):
    status: str = Field(description=one_of(SystemStatus))
    database: ServiceHealth
    redis: ServiceHealth
    agent: ServiceHealth
    generation: int = Field(description="Of the route table.")
    edges: list[EdgeHealth]
    workers: int
    queue_length: int


class Status(Document):
    status: str


class Problem(Document):
    """RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    remedy: str | None = None
    request_id: str | None = None
    errors: list[dict[str, str]] | None = Field(default=None, description="Field by field, for invalid input.")
