"""Whether a branch's head is the commit of a push that nothing was decided about.

What is compared is not what a delivery said last, which may have been skipped, superseded, or come in another order
than it was pushed in, but the newest deployment that a worker found to be of the branch's head.
"""

from __future__ import annotations

from dataclasses import dataclass

from slipway.core.deployment.states import State

NOT_COMPARED = frozenset({State.QUEUED, State.FETCHING})
"""A worker has not compared it with its branch's head yet, or is at it."""


@dataclass(frozen=True, slots=True)
class Decided:
    """What the newest deployment that says where the branch is says of it."""

    commit_sha: str | None
    """None: there were pushes, but none was found to be of the branch's head, or not for long."""
    is_compared: bool = True
    """Else it may turn out to be the head, or superseded."""
    or_else: frozenset[str] = frozenset()
    """Commits of later pushes that were cancelled before a worker had begun: whether one of them was the head, or only
    came late, nobody knows. Neither is missed."""


def is_missed(head: str, decided: Decided | None, last_seen: str | None) -> bool:
    """`last_seen` is the head as it was when nothing had been decided about the branch; None when it is seen for the
    first time, which deploys nothing."""
    if decided is None:
        return last_seen not in (None, head)
    return decided.is_compared and head not in decided.or_else | {decided.commit_sha}
