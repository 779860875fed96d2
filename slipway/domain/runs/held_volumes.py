"""What runs mount while they are under way: a replica that may not share it waits until they have ended."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from slipway.core.app_settings.configuration import Configuration
from slipway.core.app_settings.volumes import Mount
from slipway.core.runs.states import ACTIVE
from slipway.models import Release, Run

_RUNS = (
    select(Run.environment, Run.process, Release.configuration)
    .join(Release, Release.id == Run.release_id)
    .where(Run.app_id == bindparam("app_id"), Run.state.in_([str(state) for state in ACTIVE]))
)
"""Made once: each pass over an app runs it."""


def held_by_runs(session: Session, app_id: int) -> Mapping[str, list[Mount]]:
    """By environment."""
    held: dict[str, list[Mount]] = defaultdict(list)
    for environment, process, configuration in session.execute(_RUNS, {"app_id": app_id}):
        held[environment] += Configuration.from_json(configuration).mounts_of(process)
    return held
