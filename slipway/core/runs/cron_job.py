"""A job of an app's schedule, as a release freezes it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from slipway.errors import InvalidInput


class Overlap(StrEnum):
    """What a tick does while a run of the job is under way."""

    SKIP = "skip"
    ALLOW = "allow"
    REPLACE = "replace"


@dataclass(frozen=True, slots=True)
class CronJob:
    name: str
    schedule: str
    command: tuple[str, ...]
    process: str
    timezone: str
    overlap: Overlap
    timeout_s: float | None
    """None: as long as the host says."""

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> CronJob:
        return cls(**{**values, "command": tuple(values["command"]), "overlap": Overlap(values["overlap"])})


class JobSettings(Protocol):
    """A job as settings say it."""

    @property
    def name(self) -> str: ...

    @property
    def process(self) -> str: ...

    def job(self) -> CronJob: ...


def frozen(jobs: Collection[JobSettings], processes: Collection[str]) -> tuple[CronJob, ...]:
    """Raises `InvalidInput` when a job names a process that the app does not have."""
    for each in jobs:
        if each.process not in processes:
            raise InvalidInput(
                f"the job {each.name} of cron names the process {each.process!r}, which does not exist",
                remedy=f"the processes are {', '.join(sorted(processes))}",
            )
    return tuple(each.job() for each in jobs)
