"""Looks at all schedules once a minute: every tick becomes a row, and the row a container.

What is known of a schedule stands in rows alone: the newest tick of each job, and when its release went live. So an
agent that was killed makes no tick twice, and sees which passed meanwhile.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from sqlalchemy import Text, cast, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from builder.agent.scope import REASON
from slipway.core.deployment.states import State
from slipway.core.runs import cron_expression, ticks
from slipway.core.runs.cron_job import CronJob
from slipway.core.runs.ticks import DueTicks
from slipway.db import Database
from slipway.domain.runs import ticks as tick_rows
from slipway.domain.runs.ticks import HostLimits, JobKey, Place
from slipway.errors import InvalidInput
from slipway.models import TO_CHANGE, App, Deployment, Release
from slipway.ports.clock import Clock

log = logging.getLogger(__name__)

EVERY_S = 1.0
_MINUTE_S = 60
KEPT_CONFIGURATIONS = 4096


@dataclass(frozen=True, slots=True)
class LiveJob:
    """A job of a live release."""

    app_id: int
    environment: str
    live_at: datetime
    """Ticks before that were another release's."""
    job: CronJob

    def due(self, last: Mapping[JobKey, datetime], until: datetime) -> DueTicks | None:
        """The ticks of which there is no row yet."""
        expression = cron_expression.parse(self.job.schedule)
        before = last.get((self.app_id, self.environment, self.job.name))
        after = max(self.live_at, before) if before else self.live_at
        return ticks.due_ticks(expression, ticks.zone_of(self.job.timezone), after=after, until=until)


class Schedules:
    """`wake` gives an app a pass."""

    def __init__(self, db: Database, clock: Clock, wake: Callable[[int], None], limits: HostLimits) -> None:
        self._db = db
        self._clock = clock
        self._wake = wake
        self._limits = limits
        self._minute_done = -1

    def look(self) -> None:
        """Nothing, but once in each minute. Raises `DependencyUnavailable`; the minute is looked at again then."""
        minute = int(self._clock() // _MINUTE_S)
        if minute == self._minute_done:
            return
        at = datetime.fromtimestamp(self._clock(), UTC)
        with self._db.read(platform=REASON) as session:
            jobs = live_jobs(session)
            last = tick_rows.last_ticks(session) if jobs else {}
        for each in jobs:
            self._look_at(each, last, at)
        self._minute_done = minute

    def _look_at(self, live: LiveJob, last: Mapping[JobKey, datetime], at: datetime) -> None:
        try:
            is_due = live.due(last, at) is not None
        except InvalidInput as error:  # the host knows the timezone no longer
            extra = {"app_id": live.app_id, "job": live.job.name, "why": error.message}
            log.warning("a schedule can't be read", extra=extra)
            return
        if is_due:
            self._record(live, at)

    def _record(self, live: LiveJob, at: datetime) -> None:
        try:
            with self._db.write(platform=REASON) as session:
                self._tick(session, live, at)
        except IntegrityError:
            log.warning("the tick has its row already", extra={"app_id": live.app_id, "job": live.job.name})
        self._wake(live.app_id)

    def _tick(self, session: Session, live: LiveJob, at: datetime) -> None:
        """What is due is looked up anew once the app is locked."""
        app = session.get(App, live.app_id, with_for_update=TO_CHANGE)
        if app is None or app.deleted_at is not None:
            return
        due = live.due(tick_rows.last_ticks(session, app_id=app.id), at)
        if due is not None:
            tick_rows.record(session, Place(app, live.environment), live.job, due, at, self._limits)
            session.flush()


def live_jobs(session: Session) -> list[LiveJob]:
    """All jobs of all live releases."""
    columns = (Deployment.app_id, Deployment.environment, Deployment.live_at, cast(Release.configuration, Text))
    query = (
        select(*columns)
        .join(Release, Release.id == Deployment.release_id)
        .join(App, App.id == Deployment.app_id)
        .where(Deployment.state == str(State.LIVE), App.deleted_at.is_(None))
    )
    return [
        LiveJob(app_id, environment, live_at, job)
        for app_id, environment, live_at, configuration in session.execute(query)
        if live_at is not None
        for job in _jobs_of(configuration)
    ]


@lru_cache(KEPT_CONFIGURATIONS)
def _jobs_of(configuration: str) -> tuple[CronJob, ...]:
    """By its text, which is long for some and the same each minute."""
    values = json.loads(configuration)
    return tuple(CronJob.from_json(each) for each in values.get("cron", ()))
