"""Apps."""

from __future__ import annotations

from typing import Annotated, Any

from apiflask import APIBlueprint
from flask import request
from pydantic import Field

from router import documents
from router.access import principal, services
from router.api.operation import Input, Query, Text, operation
from router.usecases import apps, confirmation
from slipway.core.access.roles import Role
from slipway.domain.intents import MAX_REPLICAS
from slipway.errors import InvalidInput

blueprint = APIBlueprint("apps", __name__, tag="Apps")
Credential = Annotated[
    str,
    Field(
        max_length=apps.CREDENTIAL_MAX,
        description="A token or a deploy key in PEM; for an image's registry user:password.",
    ),
]
ReplicaNumber = Annotated[int, Field(ge=0, le=MAX_REPLICAS)]


class NewApp(Input):
    """From `repository` or from `image`."""

    name: Text
    repository: Text | None = None
    branch: Text = "main"
    image: Text | None = Field(default=None, description="By tag or digest, such as registry.example/shop:1.4.")
    credential: Credential | None = None
    settings: dict[str, Any] = Field(default_factory=dict, description="As in slipway.toml, which wins over them.")
    replicas: ReplicaNumber = 1
    hook: bool = Field(default=False, description="Make the repository's hook too. Takes an owner.")


class AppChanges(Input):
    repository: Text | None = None
    branch: Text | None = None
    image: Text | None = Field(default=None, description="Pulled by the next deployment.")
    credential: Credential | None = Field(default=None, description="null forgets it.")
    settings: dict[str, Any] | None = Field(default=None, description="A merge patch (RFC 7396): null removes.")


class Deletion(Query):
    volumes: bool = Field(default=False, description="Also its volumes, with their data.")


class NewScale(Input):
    process: Text = "web"
    replicas: ReplicaNumber


@operation(blueprint, "GET", "/api/apps", role=Role.VIEWER, output=documents.Apps)
def list_apps() -> documents.Apps:
    """All apps"""
    return documents.Apps(apps=apps.list_apps(services(), principal()))


@operation(blueprint, "POST", "/api/apps", role=Role.DEVELOPER, body=NewApp, output=documents.CreatedApp, status=201)
def create_app(body: NewApp) -> documents.CreatedApp:
    """Make an app"""
    return apps.create_app(services(), principal(), apps.NewApp(**dict(body)))


@operation(blueprint, "GET", "/api/apps/<app>", role=Role.VIEWER, output=documents.App)
def get_app(app: str) -> documents.App:
    """One app"""
    return apps.get_app(services(), principal(), app)


@operation(blueprint, "PATCH", "/api/apps/<app>", role=Role.DEVELOPER, body=AppChanges, output=documents.ChangedApp)
def change_app(app: str, body: AppChanges) -> documents.ChangedApp:
    """Change an app

    Changed settings make a deployment of what is live; a changed source waits for the next push or deployment.
    """
    changes = body.model_dump(exclude_unset=True)
    if not changes:
        raise InvalidInput(
            "nothing was given to change", remedy="give repository, branch, image, credential or settings"
        )
    return apps.change_app(services(), principal(), app, changes)


@operation(
    blueprint,
    "DELETE",
    "/api/apps/<app>",
    role=Role.OWNER,
    query=Deletion,
    output=documents.DeletedApp,
    status=202,
    confirm="the app's name",
)
def delete_app(app: str, query: Deletion) -> documents.DeletedApp:
    """Delete an app

    Its hosts lead nowhere at once; its replicas, images and logs are removed soon after. Volumes stay unless they are
    asked for.
    """
    confirmed = request.headers.get(confirmation.HEADER, "")
    return apps.delete_app(services(), principal(), app, confirmed=confirmed, with_volumes=query.volumes)


@operation(blueprint, "PUT", "/api/apps/<app>/scale", role=Role.DEVELOPER, body=NewScale, output=documents.Scale)
def scale_app(app: str, body: NewScale) -> documents.Scale:
    """Set the number of replicas"""
    return apps.scale_app(services(), principal(), app, replicas=body.replicas, process=body.process)
