"""The platform itself, for who runs it."""

from __future__ import annotations

from router.access import principal, services
from router.console.routes import Values, page
from router.usecases.overviews.platform import show_platform as look


@page("/platform", "platform.html", waits=True)
def show_platform() -> Values:
    """Not by a role in a tenant: the use case asks for the role platform-admin."""
    return {"platform": look(services(), principal())}
