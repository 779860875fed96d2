"""Tokens."""

from __future__ import annotations

from typing import Annotated

from apiflask import APIBlueprint
from pydantic import Field

from router import documents
from router.access import principal, services
from router.api.operation import Input, Text, operation
from router.usecases.access import tokens
from slipway.core.access.roles import Role

blueprint = APIBlueprint("tokens", __name__, tag="Tokens")


class NewToken(Input):
    name: Text
    role: Role = Role.DEVELOPER
    expires_in_s: Annotated[float, Field(gt=0)] | None = Field(default=None, description="By default it has no end.")


@operation(blueprint, "GET", "/api/tokens", role=Role.OWNER, output=documents.Tokens)
def list_tokens() -> documents.Tokens:
    """The tenant's tokens"""
    return tokens.list_tokens(services(), principal())


@operation(blueprint, "POST", "/api/tokens", role=Role.OWNER, body=NewToken, output=documents.IssuedToken, status=201)
def create_token(body: NewToken) -> documents.IssuedToken:
    """Issue a token

    Its text is in this answer only.
    """
    return tokens.issue_token(services(), principal(), name=body.name, role=body.role, expires_in_s=body.expires_in_s)


@operation(blueprint, "DELETE", "/api/tokens/<int:token>", role=Role.OWNER, status=204)
def revoke_token(token: int) -> tuple[str, int]:
    """Revoke a token at once"""
    tokens.revoke_token(services(), principal(), token)
    return "", 204
