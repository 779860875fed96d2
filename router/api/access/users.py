"""People: those with a role in the tenant, and the import."""

from __future__ import annotations

from typing import Annotated

from apiflask import APIBlueprint
from pydantic import Field

from router import documents
from router.access import principal, services
from router.api.operation import Input, Text, operation
from router.usecases.access import users
from slipway.core.access.roles import Role
from slipway.core.identity.people import BATCH_MOST

blueprint = APIBlueprint("users", __name__, tag="Users")


class NewUser(Input):
    login: Text = Field(description="As Keycloak has it.")
    role: Role
    tenant: Text = Field(default="", description="Of any name, for an administrator; by default the caller's own.")


class ChangedUser(Input):
    role: Role


class ImportLine(Input):
    number: Annotated[int, Field(ge=1)] = Field(description="Of the file: the answer names it.")
    fields: dict[str, str | bool | None] = Field(description="By the columns' names: docs/guide/users.md.")


class Import(Input):
    lines: Annotated[list[ImportLine], Field(max_length=BATCH_MOST)]
    dry_run: bool = Field(default=False, description="Only look.")


@operation(blueprint, "GET", "/api/users", role=Role.OWNER, output=documents.Users)
def list_users() -> documents.Users:
    """The people with a role in the tenant"""
    return users.list_users(services(), principal())


@operation(blueprint, "POST", "/api/users", role=Role.VIEWER, body=NewUser, output=documents.User, status=201)
def add_user(body: NewUser) -> documents.User:
    """Give somebody whom Keycloak knows a role in a tenant

    For people with the role platform-admin. Owners invite: POST /api/invitations.
    """
    return users.add_user(services(), principal(), login=body.login, role=body.role, tenant=body.tenant)


@operation(blueprint, "GET", "/api/users/<login>", role=Role.OWNER, output=documents.UserDetails)
def show_user(login: str) -> documents.UserDetails:
    """One of the tenant's people: groups, sessions, who invited them"""
    return users.show_user(services(), principal(), login)


@operation(blueprint, "PATCH", "/api/users/<login>", role=Role.OWNER, body=ChangedUser, output=documents.User)
def change_user(login: str, body: ChangedUser) -> documents.User:
    """Give a person another role, at once

    The last owner of a tenant stays one.
    """
    return users.change_user(services(), principal(), login, role=body.role)


@operation(blueprint, "DELETE", "/api/users/<login>", role=Role.OWNER, status=204)
def remove_user(login: str) -> tuple[str, int]:
    """Take a person's role in the tenant from them, at once

    Keycloak goes on to know them. The last owner of a tenant stays one.
    """
    users.remove_user(services(), principal(), login)
    return "", 204


@operation(blueprint, "DELETE", "/api/users/<login>/sessions", role=Role.OWNER, status=204)
def end_sessions(login: str) -> tuple[str, int]:
    """Sign one of the tenant's people out everywhere, at once

    They keep their roles, and can sign in again.
    """
    users.end_sessions(services(), principal(), login)
    return "", 204


@operation(
    blueprint, "POST", "/api/users/import", role=Role.VIEWER, body=Import, output=documents.UserImport, status=200
)
def import_users(body: Import) -> documents.UserImport:
    """Bring people into Keycloak, with the password hashes that they have elsewhere

    For people with the role platform-admin. Nobody who is there already is changed, so it can be sent again.
    """
    lines = [(line.number, line.fields) for line in body.lines]
    return users.import_users(services(), principal(), lines, dry_run=body.dry_run)
