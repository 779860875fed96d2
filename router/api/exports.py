"""Tables for other programs, as CSV or JSON, sent while they are read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from apiflask import APIBlueprint
from flask import Response
from pydantic import AwareDatetime, Field

from router.access import principal, services
from router.api.operation import TEXT, Query, Schema, Text, listed, operation
from router.usecases.overviews import apps, containers, exports
from router.usecases.overviews.exports import Between
from router.usecases.showing.usage import Wanted
from slipway.core.access.roles import Role
from slipway.core.deployment.app_state import AppState
from slipway.core.rollout.replica_states import ReplicaState
from slipway.core.text.exports import MEDIA_TYPES, Format, Table, written
from slipway.core.usage.periods import Step
from slipway.domain.usage.reading import By

blueprint = APIBlueprint("exports", __name__, tag="Exports")
_ROWS: Schema = {"type": "array", "items": {"type": "object"}}
_CONTENT = {each.partition(";")[0]: _ROWS if format_ is Format.JSON else TEXT for format_, each in MEDIA_TYPES.items()}


class AsText(Query):
    format: Annotated[Format, listed(Format)] = Field(
        default=Format.CSV, description="In CSV, what a spreadsheet would compute begins with '."
    )


class OfApps(AsText):
    words: Text = Field(default="", alias="q", description="Each is in the name, repository, branch or image.")
    state: Annotated[AppState, listed(AppState)] | None = None
    order: Annotated[apps.Order, listed(apps.Order)] = apps.Order.NAME


class OfContainers(AsText):
    words: Text = Field(default="", alias="q", description="Each is in the id, the app, the process or the image.")
    state: Annotated[ReplicaState, listed(ReplicaState)] | None = None
    app: Text = ""
    order: Annotated[containers.Order, listed(containers.Order)] = containers.Order.APP
    reverse: bool = Field(default=False, description="The other way round.")


class InTime(AsText):
    from_: AwareDatetime | None = Field(default=None, alias="from", description="Such as 2026-11-30T08:00:00Z.")
    to: AwareDatetime | None = Field(default=None, description="Else now.")

    @property
    def between(self) -> Between:
        return Between(self.from_, self.to)


class OfDeployments(InTime):
    app: Text = Field(default="", description="Else of all.")


class OfUsage(OfDeployments):
    step: Annotated[Step, listed(Step)] | None = Field(
        default=None, description="Else as suits the period. Minutes are kept for 7 days."
    )
    by: Annotated[By, listed(By)] = By.NOTHING


@operation(blueprint, "GET", "/api/exports/apps", role=Role.VIEWER, query=OfApps, content=_CONTENT, failures=(429,))
def export_apps(query: OfApps) -> Response:
    """All apps, a row each"""
    asked = apps.AppQuery(query.words, query.state, query.order)
    return _sent("apps", query.format, lambda: exports.apps(services(), principal(), asked))


@operation(
    blueprint, "GET", "/api/exports/containers", role=Role.VIEWER, query=OfContainers, content=_CONTENT, failures=(429,)
)
def export_containers(query: OfContainers) -> Response:
    """All replicas that are there, with what they use"""
    asked = containers.ContainerQuery(**query.model_dump(exclude={"format"}))
    return _sent("containers", query.format, lambda: exports.containers(services(), principal(), asked))


@operation(
    blueprint,
    "GET",
    "/api/exports/deployments",
    role=Role.VIEWER,
    query=OfDeployments,
    content=_CONTENT,
    failures=(404, 429),
)
def export_deployments(query: OfDeployments) -> Response:
    """All deployments, the newest first"""
    return _sent(
        "deployments",
        query.format,
        lambda: exports.deployments(services(), principal(), query.app, query.between),
    )


@operation(
    blueprint, "GET", "/api/exports/usage", role=Role.VIEWER, query=OfUsage, content=_CONTENT, failures=(404, 429)
)
def export_usage(query: OfUsage) -> Response:
    """What was used, a row for each step"""
    wanted = Wanted(query.from_, query.to, query.step, query.by)
    return _sent("usage", query.format, lambda: exports.usage_of(services(), principal(), query.app, wanted))


@operation(
    blueprint, "GET", "/api/exports/container-days", role=Role.VIEWER, query=InTime, content=_CONTENT, failures=(429,)
)
def export_container_days(query: InTime) -> Response:
    """How many replicas were created and removed on each day"""
    return _sent(
        "container-days", query.format, lambda: exports.days_of_containers(services(), principal(), query.between)
    )


def _sent(name: str, as_: Format, table: Callable[[], Table]) -> Response:
    response = services().texts.text(principal(), lambda: written(table(), as_), media_type=MEDIA_TYPES[as_])
    response.headers["Content-Disposition"] = f'attachment; filename="slipway-{name}.{as_}"'
    return response
