"""Services that stand beside apps."""

from __future__ import annotations

from typing import Annotated

from apiflask import APIBlueprint
from flask import request
from pydantic import Field

from router import documents
from router.access import principal, services
from router.api.operation import Input, Text, operation
from router.usecases import confirmation
from router.usecases.attached import attaching
from router.usecases.attached import services as attached
from slipway.core.access.roles import Role
from slipway.core.attached.kinds import KINDS

blueprint = APIBlueprint("attached services", __name__, tag="Services")


class NewService(Input):
    kind: Text = Field(description=documents.one_of(KINDS))
    name: Text = Field(description="Also its host's name within the tenant's network.")
    version: Text | None = Field(default=None, description="The newest that is known by default.")
    memory_mb: Annotated[int, Field(ge=64, le=1 << 20)] | None = Field(
        default=None, description="The host's SLIPWAY_REPLICA_MEMORY_BYTES by default."
    )


class ServiceChanges(Input):
    schedule: Text | None = Field(
        default=None, description="Of its backups: a cron expression, in UTC. Empty: none are made by themselves."
    )
    backups_kept: Annotated[int, Field(ge=1, le=attached.BACKUPS_KEPT_MOST)] | None = Field(
        default=None, description="So many of the newest are kept."
    )


class NewAttachment(Input):
    app: Text
    variable: Text | None = Field(
        default=None, description="What the app gets the address as; DATABASE_URL or REDIS_URL by default."
    )


@operation(blueprint, "GET", "/api/services", role=Role.VIEWER, output=documents.Services)
def list_services() -> documents.Services:
    """All attached services"""
    return attached.list_services(services(), principal())


@operation(
    blueprint,
    "POST",
    "/api/services",
    role=Role.DEVELOPER,
    body=NewService,
    output=documents.ChangedService,
    status=201,
)
def create_service(body: NewService) -> documents.ChangedService:
    """Make a database or a store

    An app that runs its image, with a volume and with passwords that were made for it, and its first deployment.
    Nothing outside of the tenant's network reaches it.
    """
    return attached.create_service(services(), principal(), attached.NewService(**dict(body)))


@operation(blueprint, "GET", "/api/services/<service>", role=Role.VIEWER, output=documents.ShownService)
def get_service(service: str) -> documents.ShownService:
    """One attached service"""
    return attached.get_service(services(), principal(), service)


@operation(
    blueprint,
    "PATCH",
    "/api/services/<service>",
    role=Role.DEVELOPER,
    body=ServiceChanges,
    output=documents.Service,
)
def change_service(service: str, body: ServiceChanges) -> documents.Service:
    """When backups are made, and how many are kept"""
    return attached.change_service(services(), principal(), service, **dict(body))


@operation(
    blueprint,
    "DELETE",
    "/api/services/<service>",
    role=Role.OWNER,
    output=documents.RemovedService,
    status=202,
    confirm="the service's name",
)
def remove_service(service: str) -> documents.RemovedService:
    """Remove a service with its data and its backups

    Refused while it is attached to an app.
    """
    confirmed = request.headers.get(confirmation.HEADER, "")
    return attached.remove_service(services(), principal(), service, confirmed=confirmed)


@operation(
    blueprint,
    "POST",
    "/api/services/<service>/attachments",
    role=Role.DEVELOPER,
    body=NewAttachment,
    output=documents.ChangedService,
    status=201,
)
def attach_service(service: str, body: NewAttachment) -> documents.ChangedService:
    """Have an app use a service

    Its address becomes a secret variable of the app, which is deployed with it.
    """
    return attaching.attach(services(), principal(), service, body.app, body.variable)


@operation(
    blueprint,
    "DELETE",
    "/api/services/<service>/attachments/<app>",
    role=Role.DEVELOPER,
    output=documents.ChangedService,
)
def detach_service(service: str, app: str) -> documents.ChangedService:
    """Have an app use a service no longer

    The variable goes; the service's data and its password stay.
    """
    return attaching.detach(services(), principal(), service, app)


@operation(
    blueprint,
    "POST",
    "/api/services/<service>/rotate",
    role=Role.DEVELOPER,
    output=documents.RotatedService,
    status=202,
)
def rotate_service(service: str) -> documents.RotatedService:
    """Give a service another password

    Every app that uses it is deployed with it.
    """
    return attached.rotate_service(services(), principal(), service)
