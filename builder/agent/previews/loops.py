"""What the agent does about previews by the clock."""

from __future__ import annotations

from collections.abc import Callable

from builder.agent.previews.comments import EVERY_S as COMMENTS_S
from builder.agent.previews.comments import PreviewComments
from builder.agent.previews.making import PreviewMaking
from builder.agent.previews.missed_events import MissedEvents
from builder.agent.previews.reconciling import EVERY_S as PREVIEWS_S
from builder.agent.previews.reconciling import PreviewReconciler
from slipway.adapters.pull_requests.client import PullRequests
from slipway.adapters.vault import Vault
from slipway.db import Database
from slipway.ports.queue import DeploymentQueue
from slipway.settings import ForgeToken, Settings

Loop = tuple[str, float, Callable[[], None]]
"""Its name, its period in seconds, and its work."""


def preview_loops(
    db: Database, queue: DeploymentQueue, vault: Vault, settings: Settings, forges: tuple[ForgeToken, ...]
) -> tuple[Loop, ...]:
    """Each in a thread of its own: a forge that does not answer holds nothing else up."""
    pull_requests = PullRequests(forges, settings.preview_owners)
    reconciler = PreviewReconciler(db, queue, PreviewMaking(vault, settings))
    return (
        ("previews", PREVIEWS_S, reconciler.look),
        ("preview comments", COMMENTS_S, PreviewComments(db, pull_requests, settings).look),
        ("missed events", settings.poll_s, MissedEvents(db, pull_requests).look),
    )
