"""Environment variables."""

from __future__ import annotations

from apiflask import APIBlueprint
from pydantic import Field

from router import documents
from router.access import principal, services
from router.api.operation import Input, operation
from router.documents import Scope
from router.usecases import variables
from slipway.core.access.roles import Role

blueprint = APIBlueprint("variables", __name__, tag="Variables")


class VariableChanges(Input):
    put: dict[str, str] = Field(default_factory=dict, alias="set", max_length=variables.PER_SCOPE)
    remove: list[str] = Field(default_factory=list, alias="unset", max_length=variables.PER_SCOPE)
    rename: dict[str, str] = Field(
        default_factory=dict,
        max_length=variables.PER_SCOPE,
        description="Old name to new name: the value and its mark stay.",
    )
    scope: Scope = "run"
    secret: bool = Field(
        default=False, description="Mark what is set as secret: masked in output, however ordinary it looks."
    )
    dry_run: bool = Field(
        default=False, description="Change nothing, and answer the names that would be changed; no values."
    )


@operation(blueprint, "GET", "/api/apps/<app>/variables", role=Role.VIEWER, output=documents.Variables)
def list_variables(app: str) -> documents.Variables:
    """An app's variables

    Viewers see names, not values.
    """
    return variables.list_variables(services(), principal(), app)


@operation(
    blueprint,
    "PATCH",
    "/api/apps/<app>/variables",
    role=Role.DEVELOPER,
    body=VariableChanges,
    output=documents.ChangedVariables,
)
def change_variables(app: str, body: VariableChanges) -> documents.ChangedVariables:
    """Set, unset and rename variables

    All or nothing. Changed `run` variables make one deployment of what is live, however many they are.
    """
    wanted = variables.Changes(body.put, body.remove, body.rename, secret=body.secret)
    return variables.change_variables(services(), principal(), app, wanted, scope=body.scope, dry_run=body.dry_run)
