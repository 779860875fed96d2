"""Backups by schedule, and the end of old ones. All that is known of a schedule stands in rows: each tick is one."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from builder.agent.scope import REASON
from slipway.adapters.backup_files import BackupFiles
from slipway.core.attached.tasks import SUCCEEDED, UNFINISHED, TaskKind
from slipway.core.runs import cron_expression, ticks
from slipway.db import Database
from slipway.domain.attached import tasks
from slipway.errors import Conflict
from slipway.models import TO_CHANGE, App, AttachedService, ServiceTask
from slipway.ports.clock import Clock

log = logging.getLogger(__name__)

LATE_MOST = timedelta(hours=12)
"""A backup that is late by no more is made all the same: it is as good as one in time."""
HISTORY = timedelta(days=30)
"""Of tasks that are no backup that is kept."""
BY_SCHEDULE = "schedule"
_MINUTE_S = 60


class BackupSchedules:
    """`wake` gives an app a pass."""

    def __init__(self, db: Database, clock: Clock, wake: Callable[[int], None]) -> None:
        self._db = db
        self._clock = clock
        self._wake = wake
        self._minute_done = -1

    def look(self) -> None:
        """Nothing, but once in each minute. Raises `DependencyUnavailable`; the minute is looked at again then."""
        minute = int(self._clock() // _MINUTE_S)
        if minute == self._minute_done:
            return
        at = datetime.fromtimestamp(self._clock(), UTC)
        with self._db.read(platform=REASON) as session:
            scheduled, last = _scheduled(session), _last_ticks(session)
        due = [service.id for service in scheduled if _due(service, last, at)]
        for service_id in due:
            self._begin(service_id, at)
        self._minute_done = minute

    def _begin(self, service_id: int, at: datetime) -> None:
        """Whether it is due is looked up anew once its app is locked."""
        try:
            with self._db.write(platform=REASON) as session:
                service = session.get(AttachedService, service_id)
                app = session.get(App, service.app_id, with_for_update=TO_CHANGE) if service else None
                tick = _due(service, _last_ticks(session), at) if service and app and not app.deleted_at else None
                if service is None or tick is None:
                    return
                tasks.add_backup(session, service, actor=BY_SCHEDULE, tick=tick)
        except (Conflict, IntegrityError):
            return  # one is under way, or has the tick already
        self._wake(service.app_id)


def trim_backups(db: Database, files: BackupFiles) -> int:
    """Remove backups of which newer ones are kept, and files that belong to none; says how many. A row goes before its
    file: what a kill leaves is a file of no backup. It comes before its file, too: files are looked for first."""
    found = files.there()
    with db.write(platform=REASON) as session:
        removed = sum(_trim(session, service) for service in session.scalars(select(AttachedService)))
        old = datetime.now(UTC) - HISTORY
        ended = ServiceTask.state.not_in([str(state) for state in UNFINISHED])
        session.execute(delete(ServiceTask).where(ended, ServiceTask.file == "", ServiceTask.created_at < old))
    with db.read(platform=REASON) as session:
        names = set(session.scalars(select(ServiceTask.file).where(ServiceTask.file != "")))
    for each in found - names:
        files.remove(each)
    return removed


def _trim(session: Session, service: AttachedService) -> int:
    of_service = select(ServiceTask).filter_by(service_id=service.id, kind=str(TaskKind.BACKUP), state=str(SUCCEEDED))
    old = session.scalars(of_service.order_by(ServiceTask.id.desc()).offset(service.backups_kept)).all()
    for each in old:
        session.delete(each)
    return len(old)


def _scheduled(session: Session) -> list[AttachedService]:
    query = select(AttachedService).join(App, App.id == AttachedService.app_id)
    return list(session.scalars(query.where(AttachedService.schedule != "", App.deleted_at.is_(None))))


def _last_ticks(session: Session) -> dict[int, datetime]:
    """By service, the newest of which there is a row."""
    query = select(ServiceTask.service_id, func.max(ServiceTask.tick)).where(ServiceTask.tick.is_not(None))
    return {service_id: tick for service_id, tick in session.execute(query.group_by(ServiceTask.service_id)) if tick}


def _due(service: AttachedService, last: Mapping[int, datetime], at: datetime) -> datetime | None:
    """The newest tick of which there is no row; None: there is none, or it is too late."""
    after = max(service.scheduled_at, last.get(service.id, service.scheduled_at), at - LATE_MOST)
    expression = cron_expression.parse(service.schedule)
    found = ticks.due_ticks(expression, ticks.zone_of("UTC"), after=after, until=at)
    return found.newest if found else None
