"""What becomes of changed settings of an app: who has to act on them, and what is said about them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from router.usecases.showing.apps import file_settings_of
from slipway.core.app_settings import model
from slipway.core.app_settings.configuration import Defaults
from slipway.core.app_settings.difference import Difference, difference
from slipway.core.app_settings.merge_patch import merge_patch
from slipway.core.deployment.states import UNFINISHED
from slipway.core.naming.json_kinds import GIVEN
from slipway.core.text.hints import when_builds_read
from slipway.domain import intents
from slipway.domain.quota import enforcement
from slipway.models import App, Deployment, Scale


def change(session: Session, app: App, patch: dict[str, Any] | None) -> Difference:
    """Merge a patch (RFC 7396) into the app's settings.

    Raises:
        InvalidInput: names the field and the rule.
    """
    before, merged = app.settings, merge_patch(app.settings, patch or {})
    model.parse(merged, GIVEN)
    app.settings = merged
    return difference(before, merged, _file_in_force(session, app))


def require_quota(session: Session, app: App, defaults: Defaults) -> None:
    """Raises `QuotaExceeded` when what is live would need more than the tenant may use with the app's settings as they
    are now. Where nothing is live the first deployment is asked."""
    live = intents.live_deployment(session, app.id)
    if live is not None:
        chosen = model.overlay(app.settings, file_settings_of(session, [live]).get(app.id, {}))
        enforcement.require_settings(session, app, live.environment, chosen, defaults)


def notices(session: Session, app: App, changed: Difference) -> list[str]:
    """What else a change means, each with what to do about it."""
    return [
        *_notices_of_builds(app, changed),
        *_notices_of_the_file(app, changed),
        *_notices_of_scales(session, app, changed),
    ]


def _file_in_force(session: Session, app: App) -> dict[str, Any]:
    """What the live commit's slipway.toml sets. Nothing while a deployment is under way, which may have another file
    and be frozen already: then a change is always rolled out."""
    live = intents.live_deployment(session, app.id)
    goes_on = Deployment.state.in_([str(state) for state in UNFINISHED])
    if live is None or session.scalar(select(exists().where(Deployment.app_id == app.id, goes_on))):
        return {}
    return file_settings_of(session, [live]).get(app.id, {})


def _notices_of_builds(app: App, changed: Difference) -> list[str]:
    """Which changed settings wait for the next build, where others are in force sooner."""
    if not changed.builds:
        return []
    names = ", ".join(changed.builds)
    if app.source == "image":
        return [f"{app.name} runs an image, and nothing is built of it: {names} changes nothing."]
    if not changed.replicas and not changed.edges:
        return []
    return [f"{names}: in force with the next {when_builds_read(changed.builds, app.name)}"]


def _notices_of_the_file(app: App, changed: Difference) -> list[str]:
    """Which changed settings are not in force, since the live commit's file sets them."""
    if not changed.behind_file:
        return []
    names = ", ".join(changed.behind_file)
    return [f"{names}: not in force, as slipway.toml of the live commit goes before: slipway apps show {app.name}"]


def _notices_of_scales(session: Session, app: App, changed: Difference) -> list[str]:
    """A process that has a scale keeps it, whatever it would begin with."""
    scaled = set(session.scalars(select(Scale.process).filter_by(app_id=app.id)))
    return [
        f"{process} keeps its replicas: processes.{process}.replicas is how many it begins with; now: "
        f"slipway scale {replicas} -a {app.name} --process {process}"
        for process, replicas in changed.first_scales.items()
        if process in scaled
    ]
