"""Commands that run once beside an app's replicas."""

from __future__ import annotations

from typing import Annotated

from apiflask import APIBlueprint
from flask import Response, request
from pydantic import Field

from router import documents
from router.access import principal, services, stays_admitted
from router.api.deployments import EVENT_STREAM, TEXT, wants_events
from router.api.operation import Input, Number, Query, Text, operation
from router.usecases.runs import output, running
from slipway.core.access.roles import Role
from slipway.settings import RUN_MOST_S

blueprint = APIBlueprint("runs", __name__, tag="Runs")


class Which(Query):
    active: bool = Field(default=False, description="Only those that have not ended.")
    cron: Text | None = Field(default=None, description="Only those of this job of the app's schedule.")
    limit: Annotated[int, Field(ge=1, le=100)] = 20
    before: Number | None = Field(default=None, description="The last id of the page before.")


class NewRun(Input):
    command: list[Annotated[str, Field(max_length=16384)]] = Field(
        min_length=1, max_length=256, description="Its words; no shell reads them. $PORT and ${NAME} are put in."
    )
    process: Text | None = Field(default=None, description="The process whose volumes it gets; web by default.")
    timeout_s: Annotated[int, Field(ge=1, le=RUN_MOST_S)] | None = Field(
        default=None, description="How long it may take; the host's SLIPWAY_RUN_TIMEOUT_S by default."
    )


class Reading(Query):
    tail: Annotated[int, Field(ge=0, le=10000, description="Lines.")] = 1000
    follow: bool = False


@operation(
    blueprint,
    "POST",
    "/api/apps/<app>/runs",
    role=Role.DEVELOPER,
    body=NewRun,
    output=documents.Run,
    status=202,
    failures=(429,),
)
def create_run(app: str, body: NewRun) -> documents.Run:
    """Run a command once

    In a container of its own, of the live release, with that one's variables, limits and network. It counts as a
    replica for the tenant's quotas until it has ended.
    """
    return running.begin_run(
        services(), principal(), app, command=body.command, process=body.process, timeout_s=body.timeout_s
    )


@operation(blueprint, "GET", "/api/apps/<app>/runs", role=Role.VIEWER, query=Which, output=documents.Runs)
def list_runs(app: str, query: Which) -> documents.Runs:
    """An app's runs, the newest first"""
    return running.list_runs(services(), principal(), app, **dict(query))


@operation(blueprint, "GET", "/api/apps/<app>/runs/<int:run>", role=Role.VIEWER, output=documents.Run)
def get_run(app: str, run: int) -> documents.Run:
    """One run"""
    return running.get_run(services(), principal(), app, run)


@operation(
    blueprint, "POST", "/api/apps/<app>/runs/<int:run>/cancel", role=Role.DEVELOPER, output=documents.Run, status=202
)
def cancel_run(app: str, run: int) -> documents.Run:
    """End a run

    With SIGTERM, and SIGKILL after the release's `timeouts.stop_s`. One that has ended stays as it is.
    """
    return running.cancel_run(services(), principal(), app, run)


@operation(
    blueprint,
    "GET",
    "/api/apps/<app>/runs/<int:run>/output",
    role=Role.VIEWER,
    query=Reading,
    content=(TEXT, EVENT_STREAM),
    headers={"Last-Event-ID": "Go on after this line."},
)
def get_run_output(app: str, run: int, query: Reading) -> Response:
    """What a run prints

    As text (`<time> <text>`); with `follow`, or where text/event-stream is accepted, as `line` events of all lines, and
    `run` events with the run at each change of its state, until `end`. It is kept for as long as the run.
    """
    running.get_run(services(), principal(), app, run)
    if wants_events(query.follow):
        after = request.headers.get("Last-Event-ID", "")
        events = output.follow_run(services(), principal(), app, run, after=after)
        return services().followers.stream(events, principal(), stays_admitted())
    return services().texts.text(
        principal(), lambda: output.output_so_far(services(), principal(), app, run, tail=query.tail)
    )
