"""What is shown of people."""

from __future__ import annotations

from pydantic import Field

from router.documents.document import Document, one_of
from slipway.core.access.roles import Role
from slipway.core.identity.people import Outcome


class User(Document):
    """A person with a role in the tenant."""

    id: str = Field(description="The same for as long as the person is known.")
    login: str
    name: str
    email: str
    role: str = Field(description=one_of(Role))
    enabled: bool = Field(description="Whether the person may sign in at all.")


class Users(Document):
    users: list[User]


class ImportedLine(Document):
    number: int
    login: str
    outcome: str = Field(description=one_of(Outcome))
    detail: str = Field(description="Why, where that is a question.")


class UserImport(Document):
    dry_run: bool
    lines: list[ImportedLine] = Field(description="In the order in which they were sent.")
