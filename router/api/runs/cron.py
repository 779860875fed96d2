"""The schedule of an app."""

from __future__ import annotations

from apiflask import APIBlueprint

from router import documents
from router.access import principal, services
from router.api.operation import operation
from router.usecases.runs import cron
from slipway.core.access.roles import Role

blueprint = APIBlueprint("cron", __name__, tag="Schedules")


@operation(blueprint, "GET", "/api/apps/<app>/cron", role=Role.VIEWER, output=documents.CronJobs)
def list_cron_jobs(app: str) -> documents.CronJobs:
    """The schedule of an app's live release

    `[[cron]]` in its slipway.toml, or `cron` in the app's settings. What its jobs ran is in the list of runs, with
    `cron=<name>`.
    """
    return cron.list_jobs(services(), principal(), app)


@operation(
    blueprint,
    "POST",
    "/api/apps/<app>/cron/<job>/run",
    role=Role.DEVELOPER,
    output=documents.Run,
    status=202,
    failures=(422, 429),
)
def run_cron_job(app: str, job: str) -> documents.Run:
    """Run a job of the schedule now

    Beside what its schedule does: the next tick comes as it would have come.
    """
    return cron.run_now(services(), principal(), app, job)
