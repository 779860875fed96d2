"""Previews of an app's pull requests."""

from __future__ import annotations

from apiflask import APIBlueprint
from pydantic import Field

from router import documents
from router.access import principal, services
from router.api.operation import Input, Text, operation
from router.usecases.previews import previews
from slipway.core.access.roles import Role

blueprint = APIBlueprint("previews", __name__, tag="Previews")


class Approval(Input):
    commit: Text = Field(description="The pull request's newest commit, or at least 7 digits that it begins with.")


@operation(blueprint, "GET", "/api/apps/<app>/previews", role=Role.VIEWER, output=documents.Previews)
def list_previews(app: str) -> documents.Previews:
    """The previews of an app's pull requests

    Of those that are open, whether there is a preview yet or not. Each preview is an app, with deployments and logs.
    """
    return previews.list_previews(services(), principal(), app)


@operation(
    blueprint,
    "POST",
    "/api/apps/<app>/previews/<int:pull_request>/approve",
    role=Role.DEVELOPER,
    body=Approval,
    output=documents.Preview,
    status=202,
)
def approve_preview(app: str, pull_request: int, body: Approval) -> documents.Preview:
    """Let a fork's commit run

    An approval is of one commit: the next push to the fork takes another one. A fork's preview has none of the app's
    variables.
    """
    return previews.approve_preview(services(), principal(), app, pull_request, commit=body.commit)


@operation(
    blueprint,
    "DELETE",
    "/api/apps/<app>/previews/<int:pull_request>",
    role=Role.DEVELOPER,
    output=documents.Preview,
    status=202,
)
def remove_preview(app: str, pull_request: int) -> documents.Preview:
    """Remove a preview

    With its data. The next push to the pull request makes it anew.
    """
    return previews.remove_preview(services(), principal(), app, pull_request)
