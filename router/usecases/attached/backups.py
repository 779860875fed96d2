"""Backups of a service: make one, list them, restore one, and what is in one."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from router import documents
from router.principal import Principal
from router.services import Services
from router.usecases.attached.showing import service_named, show_task
from router.usecases.confirmation import require_confirmation
from router.usecases.finding import NUMBER_MAX
from slipway.adapters.backup_files import BackupFiles
from slipway.core.attached.kinds import KINDS
from slipway.core.attached.tasks import SUCCEEDED, TaskKind
from slipway.domain import audit
from slipway.domain.attached import tasks
from slipway.domain.audit import Action
from slipway.errors import NotFound
from slipway.models import AttachedService, ServiceTask


def list_backups(services: Services, principal: Principal, name: str) -> documents.Backups:
    """Those that are whole, the newest first."""
    with services.db.read(tenant_id=principal.tenant_id) as session:
        service, _ = service_named(session, name)
        of_service = {"service_id": service.id, "kind": str(TaskKind.BACKUP), "state": str(SUCCEEDED)}
        rows = session.scalars(select(ServiceTask).filter_by(**of_service).order_by(ServiceTask.id.desc()))
        return documents.Backups(backups=[show_task(row) for row in rows])


def get_task(services: Services, principal: Principal, name: str, number: int) -> documents.ServiceTask:
    with services.db.read(tenant_id=principal.tenant_id) as session:
        service, _ = service_named(session, name)
        return show_task(_numbered(session, service, name, number))


def begin_backup(services: Services, principal: Principal, name: str) -> documents.ServiceTask:
    """Raises `Conflict` when one is under way."""
    with services.db.write(tenant_id=principal.tenant_id) as session:
        service, app = service_named(session, name, to_change=True)
        task = tasks.add_backup(session, service, actor=principal.actor.name)
        audit.record(session, app.tenant_id, principal.actor, Action.BACKUP_CREATE, app.name, backup=task.id)
        shown = show_task(task)
    services.queue.wake_agent(app.id)
    return shown


def begin_restore(
    services: Services, principal: Principal, name: str, number: int, *, confirmed: str
) -> documents.ServiceTask:
    """Put a backup in the place of what the service has now.

    Raises:
        ConfirmationRequired: `confirmed` is not the service's name.
        Conflict: a restore is under way.
    """
    with services.db.write(tenant_id=principal.tenant_id) as session:
        service, app = service_named(session, name, to_change=True)
        backup = _whole(session, service, name, number)
        require_confirmation("data of the service", name, confirmed)
        task = tasks.add_restore(session, service, backup, actor=principal.actor.name)
        audit.record(session, app.tenant_id, principal.actor, Action.BACKUP_RESTORE, app.name, backup=backup.id)
        shown = show_task(task)
    services.queue.wake_agent(app.id)
    return shown


def content_of(services: Services, principal: Principal, name: str, number: int) -> tuple[str, Iterator[bytes]]:
    """A name for the file, and the dump as the service's own program wrote it. All of it is read once before.

    Raises:
        BackupDamaged: its file was cut or changed.
    """
    with services.db.write(tenant_id=principal.tenant_id) as session:
        service, app = service_named(session, name)
        row = _whole(session, service, name, number)
        suffix, where = KINDS[service.kind].dump_suffix, (service.tenant_id, service.id, "backup")
        audit.record(session, app.tenant_id, principal.actor, Action.BACKUP_DOWNLOAD, app.name, backup=row.id)
    settings = services.settings
    files = BackupFiles(settings.backup_dir, services.values, floor_bytes=settings.disk_floor_bytes)
    files.check(row.file, row.digest, *where)
    return f"{name}-{row.id}.{suffix}", files.read(row.file, *where)


def _whole(session: Session, service: AttachedService, name: str, number: int) -> ServiceTask:
    row = _numbered(session, service, name, number)
    if row.kind != TaskKind.BACKUP or row.state != SUCCEEDED:
        raise _no_backup(name, number)
    return row


def _numbered(session: Session, service: AttachedService, name: str, number: int) -> ServiceTask:
    row = session.get(ServiceTask, number) if number <= NUMBER_MAX else None
    if row is None or row.service_id != service.id:
        raise _no_backup(name, number)
    return row


def _no_backup(name: str, number: int) -> NotFound:
    return NotFound(f"{name} has no backup {number}.", remedy=f"see which it has: slipway services backups {name}")
