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
    find,
    first_run,
    live,
    platform,
    settings,
    tenant_choice,
    trying,
    variables,
)
from router.console.views.tenant import audit, hooks, people, publishers, quota, tokens

_OF_TENANT = (audit, hooks, people, publishers, quota, tokens)
_DECLARING = (
    problems,
    access,
    app,
    apps,
    containers,
    dashboard,
    deployment,
    domains,
    find,
    first_run,
    live,
    platform,
    settings,
    tenant_choice,
    trying,
    variables,
    *_OF_TENANT,
)
"""What declares something when it is imported."""


def declared() -> Blueprint:
    """With all of them."""
    assert all(_DECLARING)  # noqa: S101
    return blueprint
