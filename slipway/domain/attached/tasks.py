"""The one place that makes tasks of services, and changes their state."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from slipway.adapters.backup_files import new_name
from slipway.adapters.vault import Vault
from slipway.core.attached.tasks import FAILED, PENDING, RUNNING, SUCCEEDED, UNFINISHED, TaskKind, TaskState, move
from slipway.errors import Conflict
from slipway.models import AttachedService, ServiceTask, now

_UNFINISHED = [str(state) for state in UNFINISHED]
_UNFINISHED_OF = (
    select(ServiceTask)
    .join(AttachedService, AttachedService.id == ServiceTask.service_id)
    .where(AttachedService.app_id == bindparam("app_id"), ServiceTask.state.in_(_UNFINISHED))
    .order_by(ServiceTask.id)
)
"""Made once: each pass over an app runs it."""


def add_backup(session: Session, service: AttachedService, *, actor: str, tick: datetime | None = None) -> ServiceTask:
    """Raises `Conflict` when one is under way already."""
    return _add(session, service, TaskKind.BACKUP, actor, file=new_name(), tick=tick)


def add_restore(session: Session, service: AttachedService, backup: ServiceTask, *, actor: str) -> ServiceTask:
    """Raises `Conflict` when one is under way already."""
    return _add(session, service, TaskKind.RESTORE, actor, backup_id=backup.id)


def add_rotation(session: Session, vault: Vault, service: AttachedService, password: str, *, actor: str) -> ServiceTask:
    """Raises `Conflict` when one is under way already."""
    sealed = vault.seal(password, *_place(service.tenant_id, service.id))
    return _add(session, service, TaskKind.ROTATE, actor, sealed=sealed)


def new_password(vault: Vault, row: ServiceTask) -> str:
    """The one that a rotation brings; empty of another task."""
    return vault.open(row.sealed, *_place(row.tenant_id, row.service_id)) if row.sealed else ""


def begin(row: ServiceTask) -> bool:
    """Another attempt; False: it has ended. One that runs already is begun anew: its agent has ended."""
    if TaskState(row.state) not in UNFINISHED:
        return False
    if row.state == RUNNING:
        row.state = move(RUNNING, PENDING)
    row.state = move(TaskState(row.state), RUNNING)
    row.attempt, row.started_at = row.attempt + 1, now()
    return True


def succeed(row: ServiceTask) -> None:
    row.state = move(TaskState(row.state), SUCCEEDED)
    row.sealed, row.ended_at = None, now()


def fail(row: ServiceTask, reason: str, detail: str, remedy: str = "") -> None:
    """Nothing is left of it: a backup has no file, and a new password is forgotten."""
    row.state = move(TaskState(row.state), FAILED)
    row.reason, row.detail, row.remedy = reason, detail, remedy
    row.file, row.sealed, row.ended_at = "", None, now()


def unfinished_of(session: Session, app_id: int) -> list[ServiceTask]:
    """Those of the service that the app is, the oldest first."""
    return list(session.scalars(_UNFINISHED_OF, {"app_id": app_id}))


def _add(session: Session, service: AttachedService, kind: TaskKind, actor: str, **values: object) -> ServiceTask:
    """The caller holds the service's app locked."""
    query = select(ServiceTask.id).filter_by(service_id=service.id, kind=str(kind))
    if session.scalar(query.where(ServiceTask.state.in_(_UNFINISHED)).limit(1)) is not None:
        raise Conflict(f"a {kind} of it is under way already", remedy="wait until it has ended")
    row = ServiceTask(tenant_id=service.tenant_id, service_id=service.id, kind=str(kind), actor=actor, **values)
    session.add(row)
    session.flush()
    return row


def _place(tenant_id: int, service_id: int) -> tuple[object, ...]:
    """What a password to come is sealed for."""
    return tenant_id, service_id, "rotation"
