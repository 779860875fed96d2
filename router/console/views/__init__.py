"""The pages and their acts, a file for each subject."""

from __future__ import annotations

from flask import Blueprint

from router.console import problems
from router.console.routes import blueprint
from router.console.views import app, apps, deployment, first_run, live, tenant_choice

_DECLARING = (problems, app, apps, deployment, first_run, live, tenant_choice)
"""What declares something when it is imported."""


def declared() -> Blueprint:
    """With all of them."""
    assert all(_DECLARING)  # noqa: S101
    return blueprint
