"""Hooks and their deliveries."""

from __future__ import annotations

from typing import Annotated

from apiflask import APIBlueprint
from pydantic import Field

from router import documents
from router.access import principal, services
from router.api.operation import Input, Query, Text, operation
from router.usecases import hooks
from slipway.core.access.roles import Role

blueprint = APIBlueprint("hooks", __name__, tag="Hooks")


class NewHook(Input):
    repository: Text


class Limit(Query):
    limit: Annotated[int, Field(ge=1, le=100)] = 20


@operation(blueprint, "GET", "/api/hooks", role=Role.VIEWER, output=documents.Hooks)
def list_hooks() -> documents.Hooks:
    """All hooks, without their secrets"""
    return hooks.list_hooks(services(), principal())


@operation(blueprint, "POST", "/api/hooks", role=Role.OWNER, body=NewHook, output=documents.Hook, status=201)
def create_hook(body: NewHook) -> documents.Hook:
    """Make a repository's hook

    The secret is in this answer only.
    """
    return hooks.create_hook(services(), principal(), body.repository)


@operation(blueprint, "POST", "/api/hooks/<hook>/rotate", role=Role.OWNER, output=documents.Hook)
def rotate_hook(hook: str) -> documents.Hook:
    """Give a hook a new secret

    It is in this answer only. The old secrets stay valid for a day, unless the host says otherwise.
    """
    return hooks.rotate_hook(services(), principal(), hook)


@operation(blueprint, "DELETE", "/api/hooks/<hook>", role=Role.OWNER, status=204)
def delete_hook(hook: str) -> tuple[str, int]:
    """Delete a hook"""
    hooks.delete_hook(services(), principal(), hook)
    return "", 204


@operation(blueprint, "GET", "/api/hooks/<hook>/deliveries", role=Role.VIEWER, query=Limit, output=documents.Deliveries)
def list_deliveries(hook: str, query: Limit) -> documents.Deliveries:
    """What was delivered to a hook, the newest first"""
    return hooks.list_deliveries(services(), principal(), hook, query.limit)
