"""What it means for the app that a deployment did not go live: said from what serves when it is asked, so that it is
true also a week later, and where nothing serves any more."""

from __future__ import annotations

from dataclasses import dataclass

from slipway.core.deployment.states import State

EXPLAINED = frozenset({State.FAILED, State.CANCELLED, State.SUPERSEDED})
"""Ends after which one asks what serves now."""


@dataclass(frozen=True, slots=True)
class Serving:
    """The release that is live, and its replicas of the process that gets traffic."""

    release: int | None
    version: str
    """A commit or an image's digest, short."""
    ready: int
    wanted: int

    @property
    def name(self) -> str:
        return f"v{self.release} ({self.version})" if self.release else self.version


def meaning(state: State, serving: Serving | None, app: str) -> str:
    """A sentence on what serves; empty for a deployment that went well or goes on.

    Args:
        state: how the deployment ended.
        serving: what is live now; None: nothing ever was.
        app: for the command that shows more.
    """
    if state not in EXPLAINED:
        return ""
    if serving is None:
        return "There is no earlier release: the app's address answers 503." if state is State.FAILED else ""
    if serving.ready:
        return f"{serving.name} serves on."
    if not serving.wanted:
        return f"Nothing serves: {serving.name} is scaled to 0 (slipway scale 1 -a {app})."
    return f"Nothing serves: no replica of {serving.name} is ready (slipway ps --all -a {app})."
