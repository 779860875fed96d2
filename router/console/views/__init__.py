"""The pages and their acts, a file for each subject."""

from __future__ import annotations

from flask import Blueprint

from router.console import problems
from router.console.routes import blueprint
from router.console.views import (
    apps,
    containers,
    dashboard,
    deployment,
    find,
    first_run,
    live,
    platform,
    tenant_choice,
)
from router.console.views.app import access, comparing, domains, overview, previews, settings, trying, variables
from router.console.views.tenant import audit, github, hooks, people, publishers, quota, tokens

_OF_APP = (access, comparing, domains, overview, previews, settings, trying, variables)
_OF_TENANT = (audit, github, hooks, people, publishers, quota, tokens)
_DECLARING = (
    problems,
    apps,
    containers,
    dashboard,
    deployment,
    find,
    first_run,
    live,
    platform,
    tenant_choice,
    *_OF_APP,
    *_OF_TENANT,
)
"""What declares something when it is imported."""


def declared() -> Blueprint:
    """With all of them."""
    assert all(_DECLARING)  # noqa: S101
    return blueprint
