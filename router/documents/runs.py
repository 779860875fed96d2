"""Commands that run once beside an app's replicas."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from router.documents.document import Document, one_of
from slipway.core.runs.cron_job import Overlap
from slipway.core.runs.states import RunState


class Run(Document):
    """One command, from when it was asked for."""

    id: int
    app: str
    environment: str
    process: str = Field(description="Whose volumes it has.")
    command: list[str] = Field(description="Its words, without the secrets of its release.")
    state: str = Field(description=one_of(RunState))
    stopping: bool = Field(description="It was asked to end.")
    release: int | None = Field(description="Its number. null: it is kept no longer.")
    timeout_s: int
    actor: str = Field(description="Who asked for it.")
    cron: str | None = Field(description="The job of the app's schedule that it is a run of.")
    tick: datetime | None = Field(description="When the schedule wanted it.")
    exit_code: int | None
    reason: str = Field(description="Stable code of how it ended, such as exit-code; empty when it succeeded.")
    detail: str
    remedy: str
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None


class Runs(Document):
    runs: list[Run]


class CronJob(Document):
    """A job of an app's schedule, which its live release has."""

    name: str
    schedule: str
    timezone: str
    command: list[str]
    process: str
    overlap: str = Field(description=one_of(Overlap))
    timeout_s: float
    next_tick: datetime | None = Field(description="null: it is years away.")
    last_run: Run | None = Field(description="The newest, also one that was skipped.")


class CronJobs(Document):
    jobs: list[CronJob]
