"""The schedule of an app's live release: show it, and run a job of it now."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from router import documents
from router.principal import Principal
from router.services import Services
from router.usecases.finding import app_named
from router.usecases.runs.masking import CommandMasks
from router.usecases.runs.running import show_run
from slipway.core.app_settings.configuration import PRODUCTION, Configuration
from slipway.core.runs import cron_expression, ticks
from slipway.core.runs.cron_job import CronJob
from slipway.domain import audit
from slipway.domain.audit import Action
from slipway.domain.intents import live_deployment
from slipway.domain.runs import ticks as tick_rows
from slipway.domain.runs.ticks import HostLimits, Place
from slipway.errors import InvalidInput, NotFound
from slipway.models import App, Release, Run


def list_jobs(services: Services, principal: Principal, app_name: str) -> documents.CronJobs:
    """By name. None where nothing is live."""
    with services.db.read(tenant_id=principal.tenant_id) as session:
        app = app_named(session, app_name)
        jobs, last = _jobs(session, app), _last_runs(session, app, CommandMasks(services))
    host_s = services.settings.run_timeout_s
    return documents.CronJobs(jobs=[_shown(each, last.get(each.name), host_s) for each in jobs])


def run_now(services: Services, principal: Principal, app_name: str, name: str) -> documents.Run:
    """A run of the job, beside those of its schedule, whatever its rule for overlaps says.

    Raises:
        NotFound: the live release has no such job.
    """
    settings = services.settings
    limits = HostLimits(settings.run_timeout_s, settings.runs_per_tenant)
    with services.db.write(tenant_id=principal.tenant_id) as session:
        app = app_named(session, app_name, to_change=True)
        job = next((each for each in _jobs(session, app) if each.name == name), None)
        if job is None:
            raise NotFound(
                f"{app.name} has no job {name[:60]!r} in its schedule.", remedy=f"see them: slipway cron -a {app.name}"
            )
        place = Place(app, PRODUCTION)
        run = tick_rows.begin_by_hand(session, place, job, actor=principal.actor.name, limits=limits)
        release, masks = session.get(Release, run.release_id), CommandMasks(services)
        command = masks.recorded(job.command, release)
        said = {"run": run.id, "process": run.process, "command": command, "cron": job.name}
        audit.record(session, app.tenant_id, principal.actor, Action.RUN_CREATE, app.name, **said)
        shown = show_run(run, app, release, masks)
    services.queue.wake_agent(app.id)
    return shown


def _jobs(session: Session, app: App) -> list[CronJob]:
    live = live_deployment(session, app.id)
    release = session.get(Release, live.release_id) if live and live.release_id else None
    if release is None or not release.configuration:
        return []
    return sorted(Configuration.from_json(release.configuration).cron, key=lambda job: job.name)


def _last_runs(session: Session, app: App, masks: CommandMasks) -> dict[str | None, documents.Run]:
    """By job."""
    newest = select(func.max(Run.id)).where(Run.app_id == app.id, Run.cron.is_not(None)).group_by(Run.cron)
    query = select(Run, Release).outerjoin(Release, Release.id == Run.release_id).where(Run.id.in_(newest))
    return {run.cron: show_run(run, app, release, masks) for run, release in session.execute(query)}


def _shown(job: CronJob, last: documents.Run | None, host_s: float) -> documents.CronJob:
    return documents.CronJob(
        name=job.name,
        schedule=job.schedule,
        timezone=job.timezone,
        command=list(job.command),
        process=job.process,
        overlap=job.overlap,
        timeout_s=job.timeout_s or host_s,
        next_tick=_next_tick(job),
        last_run=last,
    )


def _next_tick(job: CronJob) -> datetime | None:
    try:
        zone = ticks.zone_of(job.timezone)
    except InvalidInput:
        return None  # this host knows the timezone no longer
    return ticks.next_tick(cron_expression.parse(job.schedule), zone, datetime.now(UTC))
