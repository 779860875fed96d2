"""Backups of attached services."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import Response, request

from router import documents
from router.access import principal, services
from router.api.operation import operation
from router.usecases import confirmation
from router.usecases.attached import backups
from slipway.core.access.roles import Role

blueprint = APIBlueprint("backups", __name__, tag="Backups")
BINARY = "application/octet-stream"


@operation(blueprint, "GET", "/api/services/<service>/backups", role=Role.VIEWER, output=documents.Backups)
def list_backups(service: str) -> documents.Backups:
    """A service's backups, the newest first"""
    return backups.list_backups(services(), principal(), service)


@operation(
    blueprint,
    "POST",
    "/api/services/<service>/backups",
    role=Role.DEVELOPER,
    output=documents.ServiceTask,
    status=202,
)
def create_backup(service: str) -> documents.ServiceTask:
    """Back a service up

    By its own program, while it runs. The backup is listed once it is whole and was read again.
    """
    return backups.begin_backup(services(), principal(), service)


@operation(
    blueprint,
    "GET",
    "/api/services/<service>/tasks/<int:task>",
    role=Role.VIEWER,
    output=documents.ServiceTask,
)
def get_service_task(service: str, task: int) -> documents.ServiceTask:
    """A backup, a restore or a rotation, with how it ended"""
    return backups.get_task(services(), principal(), service, task)


@operation(
    blueprint,
    "POST",
    "/api/services/<service>/backups/<int:backup>/restore",
    role=Role.OWNER,
    output=documents.ServiceTask,
    status=202,
    confirm="the service's name",
)
def restore_backup(service: str, backup: int) -> documents.ServiceTask:
    """Put a backup in the place of a service's data

    Into the service as it runs. What was written since the backup is lost. A backup that was cut or changed is refused
    before anything is changed.
    """
    confirmed = request.headers.get(confirmation.HEADER, "")
    return backups.begin_restore(services(), principal(), service, backup, confirmed=confirmed)


@operation(
    blueprint,
    "GET",
    "/api/services/<service>/backups/<int:backup>/content",
    role=Role.DEVELOPER,
    content={BINARY: {"type": "string", "format": "binary"}},
    failures=(409, 429),
)
def get_backup_content(service: str, backup: int) -> Response:
    """What is in a backup

    As the service's own program wrote it: what `pg_restore` reads, a file for Redis to begin with, or SQL.
    """
    return services().downloads.file(
        principal(), lambda: backups.content_of(services(), principal(), service, backup), media_type=BINARY
    )
