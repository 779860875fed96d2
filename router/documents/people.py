"""What is shown of people."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from router.documents.document import Document, one_of
from slipway.core.access.roles import Role
from slipway.core.identity.people import Outcome
from slipway.domain.invitations import State


class User(Document):
    """A person with a role in the tenant."""

    id: str = Field(description="The same for as long as the person is known.")
    login: str
    name: str
    email: str
    role: str = Field(description=one_of(Role))
    enabled: bool = Field(description="Whether the person may sign in at all.")


class UserDetails(User):
    groups: list[str] = Field(description="The person's groups in the tenant.")
    seen_at: datetime | None = Field(description="When they last used Slipway, to the minute. null: never.")
    sessions: int = Field(description="At the identity provider: one for each browser and command line.")
    invited_by: str = Field(description="Who invited them. Empty: an administrator took them in.")
    joined_at: datetime | None = Field(description="When they accepted the invitation.")


class Users(Document):
    users: list[User]


class Invitation(Document):
    """Somebody may become a member by a link, once."""

    id: int
    email: str = Field(description="Whom it is meant for. Nothing is said of whether somebody has that address.")
    role: str = Field(description=one_of(Role))
    state: str = Field(description=one_of(State))
    invited_by: str
    created_at: datetime
    expires_at: datetime
    accepted_at: datetime | None
    accepted_by: str = Field(description="The login of who accepted it; empty: nobody has.")


class NewInvitation(Invitation):
    url: str = Field(description="The link, which is shown this once. Whoever has it may accept.")


class Invitations(Document):
    invitations: list[Invitation] = Field(description="The newest first.")


class ImportedLine(Document):
    number: int
    login: str
    outcome: str = Field(description=one_of(Outcome))
    detail: str = Field(description="Why, where that is a question.")


class UserImport(Document):
    dry_run: bool
    lines: list[ImportedLine] = Field(description="In the order in which they were sent.")
