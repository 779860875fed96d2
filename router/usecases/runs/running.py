"""Runs of an app: begin one, show them, stop one."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from router import documents
from router.principal import Principal
from router.services import Services
from router.usecases.finding import NUMBER_MAX, app_named
from router.usecases.runs.masking import CommandMasks
from slipway.core.app_settings.configuration import WEB
from slipway.core.runs.states import ACTIVE, RunState, Stop
from slipway.domain import audit
from slipway.domain.audit import Action
from slipway.domain.runs import beginning, lifecycle
from slipway.domain.runs.beginning import Wanted
from slipway.errors import NotFound
from slipway.models import TO_CHANGE, App, Release, Run

_ACTIVE = [str(state) for state in ACTIVE]


def begin_run(
    services: Services,
    principal: Principal,
    app_name: str,
    *,
    command: Sequence[str],
    process: str | None,
    timeout_s: float | None,
) -> documents.Run:
    """Begin a command in a container of the live release. Raises as `slipway.domain.runs.beginning.begin` does."""
    settings = services.settings
    with services.db.write(tenant_id=principal.tenant_id) as session:
        app = app_named(session, app_name, to_change=True)
        wanted = Wanted(command, timeout_s or settings.run_timeout_s, principal.actor.name, process or WEB)
        run = beginning.begin(session, app, wanted, most_of_tenant=settings.runs_per_tenant)
        release, masks = session.get(Release, run.release_id), CommandMasks(services)
        said = {"run": run.id, "process": run.process, "command": masks.recorded(command, release)}
        audit.record(session, app.tenant_id, principal.actor, Action.RUN_CREATE, app.name, **said)
        shown = show_run(run, app, release, masks)
    services.queue.wake_agent(app.id)
    return shown


def list_runs(
    services: Services,
    principal: Principal,
    app_name: str,
    *,
    active: bool,
    cron: str | None,
    limit: int,
    before: int | None,
) -> documents.Runs:
    """The newest first; `active`: those that have not ended. `before` is the last id of the page before."""
    with services.db.read(tenant_id=principal.tenant_id) as session:
        app = app_named(session, app_name)
        query = select(Run, Release).outerjoin(Release, Release.id == Run.release_id).where(Run.app_id == app.id)
        if active:
            query = query.where(Run.state.in_(_ACTIVE))
        if cron is not None:
            query = query.where(Run.cron == cron)
        if before is not None:
            query = query.where(Run.id < before)
        found = session.execute(query.order_by(Run.id.desc()).limit(limit))
        masks = CommandMasks(services)
        return documents.Runs(runs=[show_run(run, app, release, masks) for run, release in found])


def get_run(services: Services, principal: Principal, app_name: str, number: int) -> documents.Run:
    with services.db.read(tenant_id=principal.tenant_id) as session:
        app = app_named(session, app_name)
        run = run_numbered(session, app, number)
        return show_run(run, app, _release(session, run), CommandMasks(services))


def cancel_run(services: Services, principal: Principal, app_name: str, number: int) -> documents.Run:
    """Have it ended; one that has ended stays as it is."""
    with services.db.write(tenant_id=principal.tenant_id) as session:
        app = app_named(session, app_name)
        run = run_numbered(session, app, number, to_change=True)
        if RunState(run.state) in ACTIVE and run.stop_requested is None:
            lifecycle.request_stop(run, Stop.CANCELLED)
            audit.record(session, app.tenant_id, principal.actor, Action.RUN_CANCEL, app.name, run=run.id)
        shown = show_run(run, app, _release(session, run), CommandMasks(services))
    services.queue.wake_agent(app.id)
    return shown


def run_numbered(session: Session, app: App, number: int, *, to_change: bool = False) -> Run:
    query = select(Run).filter_by(id=number, app_id=app.id)
    query = query.with_for_update(**TO_CHANGE) if to_change else query
    found = session.scalar(query) if number <= NUMBER_MAX else None
    if found is None:
        raise NotFound(f"{app.name} has no run {number}.", remedy=f"see them: slipway runs -a {app.name}")
    return found


def _release(session: Session, run: Run) -> Release | None:
    return session.get(Release, run.release_id) if run.release_id else None


def show_run(run: Run, app: App, release: Release | None, masks: CommandMasks) -> documents.Run:
    return documents.Run(
        id=run.id,
        app=app.name,
        environment=run.environment,
        process=run.process,
        command=masks.words(run.command, release),
        state=run.state,
        stopping=run.stop_requested is not None and RunState(run.state) in ACTIVE,
        release=release.number if release else None,
        timeout_s=run.timeout_s,
        actor=run.actor,
        cron=run.cron,
        tick=run.tick,
        exit_code=run.exit_code,
        reason=run.reason,
        detail=run.detail,
        remedy=run.remedy,
        created_at=run.created_at,
        started_at=run.started_at,
        ended_at=run.ended_at,
    )
