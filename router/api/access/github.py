"""The platform's GitHub App, and the tenant's installations of it."""

from __future__ import annotations

from apiflask import APIBlueprint

from router import documents
from router.access import principal, services
from router.api.operation import operation
from router.usecases.access import github
from slipway.core.access.roles import Role

blueprint = APIBlueprint("github", __name__, tag="GitHub")


@operation(blueprint, "GET", "/api/github", role=Role.VIEWER, output=documents.GitHub)
def get_github() -> documents.GitHub:
    """The platform's GitHub App, and the tenant's installations of it

    An installation is connected at the console: GitHub shows there who administers it.
    """
    return github.show(services(), principal())


@operation(blueprint, "DELETE", "/api/github/installations/<int:installation>", role=Role.OWNER, status=204)
def disconnect_installation(installation: int) -> tuple[str, int]:
    """Disconnect an installation

    Its repositories serve the tenant's apps no more. It stays installed at GitHub.
    """
    github.disconnect(services(), principal(), installation)
    return "", 204
