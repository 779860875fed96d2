"""Accounts, tokens, the health of the platform, and problems."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from router.documents.document import Document, one_of
from slipway.core.github.app_events import InstallationState


class Account(Document):
    kind: str = Field(description="Who asks: `token`, `person` or `workload`.")
    name: str = Field(description="Of the token; a person's login.")
    tenant: str = Field(description="Empty for a person with the role platform-admin who is in none.")
    role: str
    token: str = Field(description="The same as name, as it was called before people could sign in.")


class SignIn(Document):
    """The device authorization grant (RFC 8628) of the identity provider; all but sign_on is null where that is off."""

    sign_on: bool
    issuer: str | None = None
    client_id: str | None = Field(default=None, description="A public client: it has no secret.")
    device_authorization_endpoint: str | None = Field(default=None, description="Null: the provider does not have it.")
    token_endpoint: str | None = None
    revocation_endpoint: str | None = Field(default=None, description="Null: the provider has none (RFC 7009).")


class ConsoleLink(Document):
    url: str = Field(description="Whoever has it may open the console as the token that asked, once.")
    expires_at: datetime


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


class GitHubInstallation(Document):
    """Where the platform's GitHub App is installed, for repositories of this tenant alone."""

    id: int = Field(description="GitHub's number of it.")
    account: str = Field(description="The user or the organization whose repositories it has.")
    repositories: str = Field(description="`all` or `selected`.")
    state: str = Field(description=one_of(InstallationState))
    connected_by: str = Field(description="The login at GitHub of who connected it.")
    created_at: datetime


class GitHub(Document):
    app: str | None = Field(description="The App's name at GitHub; null: the platform has none.")
    app_url: str | None
    installations: list[GitHubInstallation]


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
    identity: ServiceHealth | None = Field(description="Who signs people in; null where sign-on is off.")
    generation: int = Field(description="Of the route table.")
    edges: list[EdgeHealth]
    workers: int
    queue_length: int


class IdentityDifference(Document):
    where: str
    what: str = Field(description="Which part of it; empty: all of it.")
    detail: str
    repairable: bool = Field(description="False: a person has to decide; the detail says what.")


class IdentitySync(Document):
    dry_run: bool
    differences: list[IdentityDifference] = Field(description="What was not as Slipway needs it.")


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
