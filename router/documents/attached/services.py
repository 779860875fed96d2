"""Services that stand beside apps."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from router.documents.deployments import Deployment
from router.documents.document import Document, one_of
from slipway.core.attached.kinds import KINDS
from slipway.core.attached.tasks import TaskKind, TaskState
from slipway.core.deployment.app_state import AppState


class ServiceTask(Document):
    """Something that is done in a service: a backup, a restore, or a new password that it takes."""

    id: int
    kind: str = Field(description=one_of(TaskKind))
    state: str = Field(description=one_of(TaskState))
    actor: str = Field(description="Who asked for it.")
    tick: datetime | None = Field(description="Of a backup by schedule, when that wanted it.")
    backup: int | None = Field(description="Of a restore: the backup.")
    size_bytes: int | None = Field(description="Of a backup that is kept.")
    reason: str = Field(description="Stable code of why it failed; empty when it did not.")
    detail: str
    remedy: str
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None


class Backups(Document):
    backups: list[ServiceTask]


class ServiceAttachment(Document):
    app: str
    variable: str = Field(description="What the app gets the address as.")


class Service(Document):
    """A database or a store for apps of the tenant. It is an app, too, by the same name."""

    name: str
    kind: str = Field(description=one_of(KINDS))
    version: str
    image: str
    state: str = Field(description=one_of(AppState))
    host: str = Field(description="Its name within the tenant's network.")
    port: int
    attachments: list[ServiceAttachment]
    schedule: str = Field(description="Of its backups: a cron expression, in UTC. Empty: none are made by themselves.")
    backups_kept: int = Field(description="So many of the newest are kept.")
    last_backup: ServiceTask | None
    created_at: datetime


class Services(Document):
    services: list[Service]


class ShownService(Service):
    url: str | None = Field(description="With the password, for those who may change variables; null for others.")


class ChangedService(Document):
    service: Service
    deployments: list[Deployment] = Field(description="By which the change is in force.")


class RotatedService(ChangedService):
    task: ServiceTask | None = Field(
        description="After which the change is in force; null: it is in force with the deployments."
    )


class RemovedService(Document):
    name: str
    removed_volumes: list[str]
    removed_backups: int
