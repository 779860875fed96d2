"""Who may use an app."""

from __future__ import annotations

from pydantic import Field

from router.documents.document import Document


class AccessPolicy(Document):
    """A caller has to meet one of the terms."""

    allow: list[str]
    who: str = Field(description="Whom it admits, in words.")


class PathPolicy(AccessPolicy):
    path: str = Field(description="And what is below it.")


class OwnRule(Document):
    path: str
    allow: list[str]


class OwnAccess(Document):
    """What the app's settings say, without the slipway.toml of what serves."""

    allow: list[str] | None = Field(description="null: nothing.")
    paths: list[OwnRule]


class Access(Document):
    """What is in force: the policy of each path, and of all others."""

    allow: list[str]
    who: str = Field(description="Whom it admits, in words.")
    paths: list[PathPolicy]
    own: OwnAccess
    fixed: list[str] = Field(description="What the slipway.toml of what serves says of it: allow, paths.")
    sign_on: bool = Field(description="Whether people can sign in on this platform.")
    notices: list[str] = Field(description="What else it means, each with what to do about it.")


class PolicyDecision(AccessPolicy):
    allowed: bool | None = Field(description="null: nobody was named.")
    why: str


class AccessPerson(Document):
    login: str
    role: str = Field(description="In the app's tenant.")


class AccessAnswer(Document):
    """Whether somebody may see a path: they have to meet all of the policies. Or who may, where nobody was named."""

    path: str = Field(description="As clients send it.")
    policies: list[PolicyDecision] = Field(description="Those that the path has to meet.")
    ambiguous: str = Field(
        description="The part of the path that programs read in more than one way, so that every policy of the app "
        "has to be met; empty: there is none."
    )
    allowed: bool | None = Field(description="null: nobody was named.")
    why: str
    people: list[AccessPerson] | None = Field(
        description="Where nobody was named: who of the tenant may see it. null: not known, or not asked."
    )
    notices: list[str] = Field(description="What else it means.")
