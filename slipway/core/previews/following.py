"""What an event says of a pull request that is known: events come twice, late, and in any order."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from slipway.core.push.pull_request import PullRequest


@dataclass(frozen=True, slots=True)
class RecordedPull:
    """A pull request as it was written down last."""

    head: str
    is_open: bool
    changed_at: datetime | None


def is_news(known: RecordedPull, pull: PullRequest) -> bool:
    """May it be newer than what is known? Forges count seconds: of two of one second, that it is closed counts."""
    if known.changed_at is None or pull.changed_at is None or pull.changed_at > known.changed_at:
        return True
    return pull.changed_at == known.changed_at and known.is_open


def is_wanted(pull: PullRequest, branch: str) -> bool:
    """Is it open, and would it change the branch that the app deploys?"""
    return pull.is_open and pull.base == branch


def is_reopened(known: RecordedPull, *, is_open: bool) -> bool:
    """Was it opened again? Then a preview is made also of a commit that one was made of before."""
    return is_open and not known.is_open


def renews(known: RecordedPull, pull: PullRequest, *, is_open: bool) -> bool:
    """Does its time begin again? Somebody pushed to it, or opened it again."""
    return pull.head != known.head or is_reopened(known, is_open=is_open)
