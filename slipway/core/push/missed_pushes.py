"""Whether the push of a branch's head was missed: no deployment has decided about that commit.

The head is compared with the newest deployment that a worker found to be of the branch's head. The last delivery is no
measure: it may have been skipped or superseded, or deliveries may have arrived in another order than the pushes.
"""

from __future__ import annotations

from dataclasses import dataclass

from slipway.core.deployment.states import State

NOT_COMPARED = frozenset({State.QUEUED, State.FETCHING})
"""A worker has not finished comparing the deployment with its branch's head."""


@dataclass(frozen=True, slots=True)
class Decided:
    """The branch's commit by the newest deployment that shows it."""

    commit_sha: str | None
    """None: there were pushes, but none was found to be of the branch's head, or the branch has gone since."""
    is_compared: bool = True
    """False: the deployment may turn out to be of the head, or to be superseded."""
    or_else: frozenset[str] = frozenset()
    """Commits of later pushes that were cancelled before a worker compared them. Each of them may have been the head,
    so none of them counts as missed."""


def is_missed(head: str, decided: Decided | None, last_seen: str | None) -> bool:
    """Was the push of `head` missed? `last_seen` is the head as it was while nothing had been decided about the branch;
    None when the branch is looked at for the first time, which deploys nothing."""
    if decided is None:
        return last_seen not in (None, head)
    return decided.is_compared and head not in decided.or_else | {decided.commit_sha}
