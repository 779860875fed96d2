"""The pages and their acts, a file for each subject."""

from __future__ import annotations

from flask import Blueprint

from router.console import problems
from router.console.routes import blueprint
from router.console.views import (
    access,
    app,
    apps,
    containers,
    dashboard,
    deployment,
    domains,
    first_run,
    live,
    settings,
    tenant_choice,
    variables,
)

_DECLARING = (
    *(problems, access, app, apps, containers, dashboard, deployment, domains),
    *(first_run, live, settings, tenant_choice, variables),
)
"""What declares something when it is imported."""


def declared() -> Blueprint:
    """With all of them."""
    assert all(_DECLARING)  # noqa: S101
    return blueprint
