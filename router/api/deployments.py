"""Deployments and their logs."""

from __future__ import annotations

from typing import Annotated

from apiflask import APIBlueprint
from flask import Response, request
from pydantic import Field

from router import documents
from router.access import principal, services, stays_admitted
from router.api.operation import Input, Number, Query, Text, operation
from router.streams import sse
from router.usecases import deployments
from router.usecases.streams import following
from slipway.core.access.roles import Role

blueprint = APIBlueprint("deployments", __name__, tag="Deployments")
EVENT_STREAM = sse.MEDIA_TYPE
TEXT = "text/plain"


class Page(Query):
    limit: Annotated[int, Field(ge=1, le=100)] = 20
    before: Number | None = Field(default=None, description="The last id of the page before.")


class NewDeployment(Input):
    ref: Text | None = Field(default=None, description="A branch, tag or commit; the app's branch by default.")
    commit: Text | None = Field(default=None, description="A full commit id.")
    image: Text | None = Field(
        default=None,
        description="Of an app that runs an image: another one, which becomes the app's when it goes live.",
    )
    rebuild: bool = Field(default=False, description="Make it anew also when it is live already; else it is skipped.")


class Promotion(Input):
    to: Text = Field(description="The app that gets the image.")


class Rollback(Input):
    to: Number | None = Field(default=None, description="A release's number; by default the one before.")


class OfApp(Query):
    app: Text | None = Field(default=None, description="The app that it has to be of; another app's is not found.")


class Follow(OfApp):
    follow: bool = False


@operation(
    blueprint,
    "GET",
    "/api/apps/<app>/deployments",
    role=Role.VIEWER,
    query=Page,
    output=documents.Deployments,
    for_jobs=True,
)
def list_deployments(app: str, query: Page) -> documents.Deployments:
    """An app's deployments, the newest first"""
    return deployments.list_deployments(services(), principal(), app, limit=query.limit, before=query.before)


@operation(blueprint, "GET", "/api/apps/<app>/head", role=Role.DEVELOPER, output=documents.BranchHead, failures=(429,))
def get_branch_head(app: str) -> documents.BranchHead:
    """The commit that an app's branch is at

    Asked of the repository now.
    """
    return deployments.branch_head(services(), principal(), app)


@operation(
    blueprint,
    "POST",
    "/api/apps/<app>/deployments",
    role=Role.DEVELOPER,
    body=NewDeployment,
    output=documents.Deployment,
    status=202,
    headers={"Idempotency-Key": "The same key again is the same deployment."},
    for_jobs=True,
)
def create_deployment(app: str, body: NewDeployment) -> documents.Deployment:
    """Deploy by hand

    An app that runs an image gets what its registry has under that name now: the tag may have moved. What is live
    already, and would come out the same, is skipped.
    """
    key = request.headers.get("Idempotency-Key", "")
    return deployments.deploy(services(), principal(), app, **dict(body), idempotency_key=key)


@operation(
    blueprint,
    "POST",
    "/api/apps/<app>/promote",
    role=Role.DEVELOPER,
    body=Promotion,
    output=documents.Deployment,
    status=202,
    headers={"Idempotency-Key": "The same key again is the same deployment."},
)
def promote(app: str, body: Promotion) -> documents.Deployment:
    """Promote to another app

    The image that serves this app becomes a deployment of the other one, without a build. Variables, settings, scale
    and domains are the other app's own.
    """
    key = request.headers.get("Idempotency-Key", "")
    return deployments.promote(services(), principal(), app, to=body.to, idempotency_key=key)


@operation(
    blueprint,
    "POST",
    "/api/apps/<app>/rollback",
    role=Role.DEVELOPER,
    body=Rollback,
    output=documents.Deployment,
    status=202,
)
def roll_back(app: str, body: Rollback) -> documents.Deployment:
    """Go back to a release"""
    return deployments.roll_back(services(), principal(), app, body.to)


@operation(
    blueprint,
    "GET",
    "/api/deployments/<int:deployment>",
    role=Role.VIEWER,
    query=OfApp,
    output=documents.Deployment,
    for_jobs=True,
)
def get_deployment(deployment: int, query: OfApp) -> documents.Deployment:
    """One deployment"""
    return deployments.get_deployment(services(), principal(), deployment, query.app)


@operation(
    blueprint,
    "POST",
    "/api/deployments/<int:deployment>/cancel",
    role=Role.DEVELOPER,
    query=OfApp,
    output=documents.Deployment,
    status=202,
)
def cancel_deployment(deployment: int, query: OfApp) -> documents.Deployment:
    """Stop an unfinished deployment"""
    return deployments.cancel(services(), principal(), deployment, query.app)


@operation(
    blueprint,
    "GET",
    "/api/deployments/<int:deployment>/events",
    role=Role.VIEWER,
    query=OfApp,
    content=(EVENT_STREAM,),
    for_jobs=True,
)
def follow_deployment(deployment: int, query: OfApp) -> Response:
    """Follow a deployment

    A `state` event with the deployment now and at every change, until nothing more will happen to it. `end` says that
    its app was removed meanwhile.
    """
    deployments.get_deployment(services(), principal(), deployment, query.app)
    return services().followers.stream(
        following.deployment_events(services(), principal(), deployment), principal(), stays_admitted()
    )


@operation(
    blueprint,
    "GET",
    "/api/deployments/<int:deployment>/log",
    role=Role.VIEWER,
    query=Follow,
    content=(TEXT, EVENT_STREAM),
    headers={"Last-Event-ID": "Go on after this position."},
    for_jobs=True,
)
def get_deployment_log(deployment: int, query: Follow) -> Response:
    """A deployment's log

    As text so far; with `follow`, or where text/event-stream is accepted, as `line` events until `end`.
    """
    deployments.get_deployment(services(), principal(), deployment, query.app)
    if wants_events(query.follow):
        after = request.headers.get("Last-Event-ID", "0")
        events = following.log_events(services(), principal(), deployment, after)
        return services().followers.stream(events, principal(), stays_admitted())
    read = services().log.read
    return services().texts.text(principal(), lambda: (f"{line}\n" for line in read(deployment)))


def wants_events(follow: bool) -> bool:
    """By the query, or by what the client accepts."""
    return follow or request.accept_mimetypes.best_match([TEXT, EVENT_STREAM], default=TEXT) == EVENT_STREAM
