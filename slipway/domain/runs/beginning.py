"""Begins runs: in the live release, within the tenant's quota, and only so many at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from slipway.core.app_settings.configuration import PRODUCTION, WEB, Configuration
from slipway.core.app_settings.volumes import unshared
from slipway.core.runs.states import ACTIVE
from slipway.core.text.counting import plural
from slipway.domain.intents import live_deployment
from slipway.domain.quota import enforcement
from slipway.domain.runs import held_volumes
from slipway.errors import Conflict, InvalidInput, TooManyCalls
from slipway.models import TO_CHANGE, App, Release, Run, Tenant

WORDS_MOST, WORD_MOST_CHARS, COMMAND_MOST_CHARS = 256, 16_384, 65_536
_RETRY_AFTER_S = 5
_ACTIVE = [str(state) for state in ACTIVE]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A command that somebody, or a schedule, wants to run."""

    command: Sequence[str]
    timeout_s: float
    actor: str
    process: str = WEB
    environment: str = PRODUCTION
    cron: str | None = None
    tick: datetime | None = None


def begin(session: Session, app: App, wanted: Wanted, *, most_of_tenant: int) -> Run:
    """A row that the agent starts a container for.

    Args:
        most_of_tenant: so many runs of a tenant are under way at one time.

    Raises:
        Conflict: nothing is live, or a volume that is not shared is in use.
        InvalidInput: the command is none, or the release has no such process.
        QuotaExceeded: the tenant may not use as much.
        TooManyCalls: as many are under way as may be.
    """
    check_command(wanted.command)
    release = live_release(session, app, wanted.environment)
    configuration = Configuration.from_json(release.configuration)
    if wanted.process not in configuration.commands:
        known = ", ".join(sorted(configuration.commands))
        raise InvalidInput(f"{app.name} has no process {wanted.process!r}", remedy=f"its processes are {known}")
    _refuse_held_volume(session, app, configuration, wanted)
    enforcement.require_run(session, app, configuration, environment=wanted.environment)
    _require_place(session, app, most_of_tenant)
    run = Run(
        tenant_id=app.tenant_id,
        app_id=app.id,
        environment=wanted.environment,
        process=wanted.process,
        release_id=release.id,
        command=list(wanted.command),
        timeout_s=ceil(wanted.timeout_s),
        actor=wanted.actor,
        cron=wanted.cron,
        tick=wanted.tick,
    )
    session.add(run)
    session.flush()
    return run


def live_release(session: Session, app: App, environment: str) -> Release:
    """The release that serves. Raises `Conflict` where none does."""
    live = live_deployment(session, app.id, environment)
    release = session.get(Release, live.release_id) if live and live.release_id else None
    if release is None:
        raise Conflict(
            f"{app.name} is not live yet, and commands run in its live release.",
            remedy=f"deploy it first: slipway deploy -a {app.name}",
        )
    return release


def check_command(words: Sequence[str]) -> None:
    """Raises `InvalidInput`."""
    if not words or not words[0]:
        raise InvalidInput("a command can't be empty", remedy="name one: slipway run -- python manage.py migrate")
    too_long = len(words) > WORDS_MOST or sum(map(len, words)) > COMMAND_MOST_CHARS
    if too_long or any(len(each) > WORD_MOST_CHARS for each in words):
        raise InvalidInput("the command is too long", remedy="put it into a script of the app")
    if any("\0" in each for each in words):
        raise InvalidInput("a command can't have a NUL in it")


def _refuse_held_volume(session: Session, app: App, configuration: Configuration, wanted: Wanted) -> None:
    """A volume that is not shared is one container's at a time: a replica's, a pre-deploy command's, or a run's."""
    held = held_volumes.held(session, app.id, wanted.environment)
    alone = unshared(configuration.mounts_of(wanted.process), held)
    if alone is None:
        return
    raise Conflict(
        f"The volume {alone.name} ({alone.path}) is not shared, and another container has it.",
        remedy=f"stop it first: slipway scale 0 -a {app.name} --process {wanted.process}\n"
        "or let them share it: shared = true under [[volumes]]",
    )


def _require_place(session: Session, app: App, most: int) -> None:
    """The tenant is locked, as for a quota: two of its apps at once take no more than is left."""
    session.execute(select(Tenant.id).filter_by(id=app.tenant_id).with_for_update(**TO_CHANGE))
    query = select(func.count(Run.id)).where(Run.tenant_id == app.tenant_id, Run.state.in_(_ACTIVE))
    if (session.scalar(query) or 0) >= most:
        raise TooManyCalls(
            f"{plural(most, 'command')} of your tenant run already, as many as may at a time.",
            remedy="wait until one has ended, or stop one: slipway runs",
            retry_after_s=_RETRY_AFTER_S,
        )
