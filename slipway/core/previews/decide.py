"""What is to be done for a pull request's preview, and what people read of it: without I/O."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from slipway.core.deployment.states import UNFINISHED, State


class Step(StrEnum):
    """What the agent does next."""

    NOTHING = "nothing"
    REMOVE = "remove"
    AWAIT_APPROVAL = "await approval"
    AWAIT_ROOM = "await room"
    DEPLOY = "deploy"
    """Its head; where it has no app, that is made first."""


@dataclass(frozen=True, slots=True)
class PreviewView:
    """A pull request's row, and what is there of its preview."""

    is_open: bool
    is_enabled: bool
    """Its app makes previews."""
    is_expired: bool
    is_fork: bool
    head: str
    approved_sha: str
    made_sha: str
    has_app: bool
    is_held_up: bool = False
    """Something stands against it, such as a quota."""

    @property
    def is_wanted(self) -> bool:
        return self.is_open and self.is_enabled and not self.is_expired

    @property
    def awaits_approval(self) -> bool:
        """An approval is of one commit: whoever pushes to a fork would decide otherwise what runs here."""
        return self.is_fork and self.approved_sha != self.head


def decide(view: PreviewView, room: int) -> Step:
    """The next step; `room`: how many more previews the app may have."""
    if not view.is_wanted:
        return Step.REMOVE if view.has_app else Step.NOTHING
    if view.head == view.made_sha:
        return Step.NOTHING
    if view.awaits_approval:
        return Step.AWAIT_APPROVAL
    return Step.DEPLOY if view.has_app or room > 0 else Step.AWAIT_ROOM


class PreviewState(StrEnum):
    """How a preview is, in a word."""

    AWAITING_APPROVAL = "awaiting approval"
    """It is a fork's, and nobody has approved its newest commit."""
    WAITING = "waiting"
    """Another preview has to end first, or a quota stands against it."""
    DEPLOYING = "deploying"
    LIVE = "live"
    FAILED = "failed"
    """Its last deployment came to nothing, and nothing serves."""
    EXPIRED = "expired"
    REMOVED = "removed"
    """Somebody removed it; the next push makes it anew."""
    CLOSED = "closed"
    """The pull request is, or the app makes no previews any more."""


def state_of(view: PreviewView, latest: State | None, *, serves: bool) -> PreviewState:
    """`latest`: the state of its newest deployment; `serves`: one is live."""
    if not view.is_open or not view.is_enabled:
        return PreviewState.CLOSED
    if view.is_expired:
        return PreviewState.EXPIRED
    if view.head != view.made_sha:
        return _before_it_is_made(view)
    if not view.has_app:
        return PreviewState.REMOVED
    if latest is None or latest in UNFINISHED:
        return PreviewState.DEPLOYING
    return PreviewState.LIVE if serves else PreviewState.FAILED


def _before_it_is_made(view: PreviewView) -> PreviewState:
    if view.awaits_approval:
        return PreviewState.AWAITING_APPROVAL
    return PreviewState.WAITING if view.is_held_up else PreviewState.DEPLOYING
