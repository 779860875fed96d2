"""One deployment: its steps, its log, and what can be done about it."""

from __future__ import annotations

from collections import deque

from flask import url_for

from router.access import principal, services
from router.console.routes import Done, Values, act, page
from router.console.texts import text
from router.usecases import apps, deployments
from router.usecases.streams.following import is_over
from slipway.core.access.roles import Role
from slipway.core.deployment.states import UNFINISHED, State
from slipway.core.naming import validation
from slipway.core.text.rewritten_lines import as_seen

LINES_SHOWN = 2000
"""The last ones; the whole log is the API's."""


@page("/deployments/<int:deployment>", "deployment.html")
def show_deployment(deployment: int) -> Values:
    shown = deployments.get_deployment(services(), principal(), deployment)
    app = apps.get_app(services(), principal(), shown.app)
    state, repository = State(shown.state), app.repository
    return {
        "deployment": shown,
        "app": app,
        "log": list(deque(map(as_seen, services().log.read(deployment)), LINES_SHOWN)),
        "goes_on": not is_over(shown),
        "can_cancel": state in UNFINISHED and not shown.stopping,
        "can_return": state is State.RETIRED and shown.release is not None,
        "diff": diff_url(repository, shown.previous.commit if shown.previous else "", shown.commit),
    }


@act("/deployments/<int:deployment>/cancel", role=Role.DEVELOPER)
def cancel(deployment: int) -> Done:
    deployments.cancel(services(), principal(), deployment)
    said = text("acts.cancelled", number=deployment)
    return Done(url_for("console.show_deployment", deployment=deployment), (said,))


def diff_url(repository: str, before: str, after: str) -> str:
    """Where the forge shows what changed between two commits; empty where nothing is known to."""
    if not (repository and before and after and before != after):
        return ""
    return f"https://{validation.repository_identity(repository)}/compare/{before}...{after}"
