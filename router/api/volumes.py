"""Volumes."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import request
from pydantic import Field

from router import documents
from router.access import principal, services
from router.api.operation import Query, Text, operation
from router.usecases import confirmation, volumes
from slipway.core.access.roles import Role

blueprint = APIBlueprint("volumes", __name__, tag="Volumes")


class Which(Query):
    app: Text | None = Field(default=None, description="Only this app's; else all, those of deleted apps too.")


@operation(blueprint, "GET", "/api/volumes", role=Role.VIEWER, query=Which, output=documents.Volumes, failures=(404,))
def list_volumes(query: Which) -> documents.Volumes:
    """All volumes"""
    return volumes.list_volumes(services(), principal(), app_name=query.app)


@operation(
    blueprint,
    "DELETE",
    "/api/volumes/<volume>",
    role=Role.OWNER,
    output=documents.Volume,
    status=202,
    confirm="the volume's name",
)
def remove_volume(volume: str) -> documents.Volume:
    """Remove a volume with its data

    Refused while a replica has it, or a deployment under way mounts it. It is removed soon after.
    """
    confirmed = request.headers.get(confirmation.HEADER, "")
    return volumes.remove_volume(services(), principal(), volume, confirmed=confirmed)
