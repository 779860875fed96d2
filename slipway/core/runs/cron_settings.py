"""A job of an app's schedule, as settings say it."""

from __future__ import annotations

import shlex
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from slipway.core.app_settings.checked import checked
from slipway.core.app_settings.shell_syntax import Command
from slipway.core.naming import validation
from slipway.core.naming.json_kinds import GivenValues
from slipway.core.runs import cron_expression, ticks
from slipway.core.runs.cron_job import CronJob, Overlap
from slipway.settings import RUN_MOST_S

JOBS_MOST = 50
Slug = Annotated[str, checked(validation.slug)]


class CronSettings(GivenValues):
    """A command that runs at the ticks of a schedule, in a container of its own."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False)

    name: Slug
    schedule: Annotated[str, Field(max_length=200), checked(cron_expression.checked)]
    """Minute, hour, day of the month, month and day of the week; or `@hourly`, `@daily`, `@weekly`, `@monthly`,
    `@yearly`."""
    command: Command
    process: Slug = "web"
    """Whose volumes it gets."""
    timezone: Annotated[str, Field(max_length=60), checked(ticks.checked_zone)] = "UTC"
    overlap: Literal["skip", "allow", "replace"] = "skip"
    """What a tick does while a run of the job is under way: `skip` it, `allow` both, or `replace` the one before."""
    timeout_s: float | None = Field(default=None, ge=1, le=RUN_MOST_S)
    """How long a run may take."""

    def job(self) -> CronJob:
        words = tuple(shlex.split(self.command))
        overlap = Overlap(self.overlap)
        return CronJob(self.name, self.schedule, words, self.process, self.timezone, overlap, self.timeout_s)


def different(jobs: tuple[CronSettings, ...]) -> tuple[CronSettings, ...]:
    """Raises `ValueError` when two have one name."""
    names = [each.name for each in jobs]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"two of them have the name {twice[0]}")
    return jobs
