"""Services and what was done in them, as documents."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from router import documents
from router.usecases.finding import app_named
from router.usecases.showing.app_states import figures_of
from slipway.core.attached.kinds import KINDS
from slipway.core.attached.tasks import SUCCEEDED, TaskKind
from slipway.errors import NotFound
from slipway.models import TO_CHANGE, App, AttachedService, ServiceAttachment, ServiceTask


def service_named(session: Session, name: str, *, to_change: bool = False) -> tuple[AttachedService, App]:
    """`to_change` locks the app's row, and the service's after it. Raises `NotFound`."""
    try:
        app = app_named(session, name, to_change=to_change)
    except NotFound:
        app = None
    query = select(AttachedService).filter_by(app_id=app.id if app else None)
    service = session.scalar(query.with_for_update(**TO_CHANGE) if to_change else query)
    if app is None or service is None:
        raise NotFound(f"There is no service {name[:80]!r} here.", remedy="see them all: slipway services")
    return service, app


def show_services(session: Session, rows: Sequence[tuple[AttachedService, App]]) -> list[documents.Service]:
    """In the order given; many in as many queries as one."""
    ids = [service.id for service, _ in rows]
    figures = figures_of(session, [app.id for _, app in rows])
    attachments, backups = _attachments(session, ids), _last_backups(session, ids)
    return [
        documents.Service(
            name=app.name,
            kind=service.kind,
            version=service.version,
            image=app.image,
            state=str(figures[app.id].state),
            host=app.name,
            port=KINDS[service.kind].port,
            attachments=attachments[service.id],
            schedule=service.schedule,
            backups_kept=service.backups_kept,
            last_backup=backups.get(service.id),
            created_at=service.created_at,
        )
        for service, app in rows
    ]


def show_service(session: Session, service: AttachedService, app: App) -> documents.Service:
    return show_services(session, [(service, app)])[0]


def show_task(row: ServiceTask) -> documents.ServiceTask:
    return documents.ServiceTask(
        id=row.id,
        kind=row.kind,
        state=row.state,
        actor=row.actor,
        tick=row.tick,
        backup=row.backup_id,
        size_bytes=row.size_bytes,
        reason=row.reason,
        detail=row.detail,
        remedy=row.remedy,
        created_at=row.created_at,
        started_at=row.started_at,
        ended_at=row.ended_at,
    )


def _attachments(session: Session, ids: Sequence[int]) -> dict[int, list[documents.ServiceAttachment]]:
    query = (
        select(ServiceAttachment, App.name)
        .join(App, App.id == ServiceAttachment.app_id)
        .where(ServiceAttachment.service_id.in_(ids), App.deleted_at.is_(None))
        .order_by(App.name)
    )
    found: dict[int, list[documents.ServiceAttachment]] = defaultdict(list)
    for row, app in session.execute(query):
        found[row.service_id].append(documents.ServiceAttachment(app=app, variable=row.variable))
    return found


def _last_backups(session: Session, ids: Sequence[int]) -> dict[int, documents.ServiceTask]:
    newest = (
        select(func.max(ServiceTask.id))
        .where(ServiceTask.service_id.in_(ids), ServiceTask.state == str(SUCCEEDED))
        .where(ServiceTask.kind == str(TaskKind.BACKUP))
        .group_by(ServiceTask.service_id)
    )
    rows = session.scalars(select(ServiceTask).where(ServiceTask.id.in_(newest)))
    return {row.service_id: show_task(row) for row in rows}
