"""A tick of a schedule becomes a row, once: a run that begins, or one that says why none did."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from slipway.core.runs.cron_job import CronJob, Overlap
from slipway.core.runs.states import ACTIVE, RunState, Stop
from slipway.core.runs.ticks import DueTicks
from slipway.core.text.counting import plural
from slipway.domain.runs import beginning, lifecycle
from slipway.domain.runs.beginning import Wanted
from slipway.errors import Conflict, InvalidInput, QuotaExceeded, TooManyCalls
from slipway.models import App, Run, now

LATE_MOST = timedelta(minutes=10)
"""A tick that nobody looked at for longer is missed, and not made up for."""
_ACTIVE = [str(state) for state in ACTIVE]


@dataclass(frozen=True, slots=True)
class HostLimits:
    """What the host says of all runs."""

    timeout_s: float
    runs_per_tenant: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where a schedule is in force."""

    app: App
    environment: str


JobKey = tuple[int, str, str | None]
"""App id, environment, name."""


def last_ticks(session: Session, *, app_id: int | None = None) -> dict[JobKey, datetime]:
    """By job, the newest of which there is a row: of all apps, or of one."""
    of_job = (Run.app_id, Run.environment, Run.cron)
    query = select(*of_job, func.max(Run.tick)).where(Run.tick.is_not(None)).group_by(*of_job)
    if app_id is not None:
        query = query.where(Run.app_id == app_id)
    return {(app, environment, name): tick for app, environment, name, tick in session.execute(query) if tick}


def record(session: Session, place: Place, job: CronJob, due: DueTicks, at: datetime, limits: HostLimits) -> None:
    """Begin the run of the newest tick, unless it is too late or the job's rule skips it. Whatever was missed before is
    one row that says so. `at`: the present."""
    is_late = at - due.newest > LATE_MOST
    missed, last = (due.count, due.newest) if is_late else (due.count - 1, due.before_newest)
    if missed and last is not None:
        detail = f"{plural(missed, 'tick')} missed since {due.first:%Y-%m-%d %H:%M} UTC: no agent ran"
        _add_ended(session, place, job, last, RunState.MISSED, detail)
    if not is_late:
        _begin_or_skip(session, place, job, due.newest, limits)


def begin_by_hand(session: Session, place: Place, job: CronJob, *, actor: str, limits: HostLimits) -> Run:
    """A run of the job now, whatever its schedule and its rule say. Raises as `beginning.begin` does."""
    wanted = _wanted(place, job, actor, limits, None)
    return beginning.begin(session, place.app, wanted, most_of_tenant=limits.runs_per_tenant)


def _begin_or_skip(session: Session, place: Place, job: CronJob, tick: datetime, limits: HostLimits) -> None:
    under_way = _under_way(session, place, job)
    if under_way and job.overlap is Overlap.SKIP:
        detail = f"run {under_way[0].id} of the job was still under way"
        _add_ended(session, place, job, tick, RunState.SKIPPED, detail)
        return
    if job.overlap is Overlap.REPLACE:
        for run in under_way:
            lifecycle.request_stop(run, Stop.REPLACED)
    wanted = _wanted(place, job, f"cron:{job.name}", limits, tick)
    try:
        beginning.begin(session, place.app, wanted, most_of_tenant=limits.runs_per_tenant)
    except (Conflict, InvalidInput, QuotaExceeded, TooManyCalls) as error:
        _add_ended(session, place, job, tick, RunState.SKIPPED, error.message, error.remedy)


def _wanted(place: Place, job: CronJob, actor: str, limits: HostLimits, tick: datetime | None) -> Wanted:
    timeout_s = job.timeout_s or limits.timeout_s
    return Wanted(job.command, timeout_s, actor, job.process, place.environment, job.name, tick)


def _under_way(session: Session, place: Place, job: CronJob) -> list[Run]:
    of_job = select(Run).filter_by(app_id=place.app.id, environment=place.environment, cron=job.name)
    return list(session.scalars(of_job.where(Run.state.in_(_ACTIVE)).order_by(Run.id)))


def _add_ended(
    session: Session, place: Place, job: CronJob, tick: datetime, state: RunState, detail: str, remedy: str = ""
) -> None:
    session.add(
        Run(
            tenant_id=place.app.tenant_id,
            app_id=place.app.id,
            environment=place.environment,
            process=job.process,
            command=list(job.command),
            timeout_s=ceil(job.timeout_s or 0),
            actor=f"cron:{job.name}",
            cron=job.name,
            tick=tick,
            state=str(state),
            reason=str(state),
            detail=detail,
            remedy=remedy,
            ended_at=now(),
        )
    )
