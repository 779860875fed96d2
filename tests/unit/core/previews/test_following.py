"""Events of a pull request that come late, twice or in another order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from slipway.core.previews.following import RecordedPull, is_news, is_reopened, is_wanted, renews
from slipway.core.push.pull_request import PullRequest

AT = datetime(2026, 11, 30, 8, tzinfo=UTC)
SECOND = timedelta(seconds=1)
OLD, NEW = "a" * 40, "b" * 40


def pull(at: datetime | None = AT, *, is_open: bool = True, head: str = OLD, base: str = "main") -> PullRequest:
    return PullRequest("acme/hello", 12, is_open, head, "cart", base, False, "refs/pull/12/head", changed_at=at)


@pytest.mark.parametrize(
    ("recorded", "event", "news"),
    [
        (RecordedPull(OLD, True, AT), pull(AT + SECOND), True),
        (RecordedPull(OLD, True, AT), pull(AT - SECOND), False),
        (RecordedPull(OLD, False, AT), pull(AT - SECOND), False),
        (RecordedPull(OLD, True, AT), pull(AT, is_open=False), True),
        (RecordedPull(OLD, False, AT), pull(AT), False),
        (RecordedPull(OLD, True, None), pull(AT), True),
        (RecordedPull(OLD, False, AT), pull(None), True),
    ],
)
def test_what_is_older_says_nothing(recorded: RecordedPull, event: PullRequest, news: bool) -> None:
    assert is_news(recorded, event) is news


def test_one_is_wanted_that_is_open_and_into_the_apps_branch() -> None:
    assert is_wanted(pull(), "main")
    assert not is_wanted(pull(is_open=False), "main")
    assert not is_wanted(pull(base="next"), "main")


def test_a_push_or_opening_it_again_renews_its_time() -> None:
    recorded = RecordedPull(OLD, True, AT)
    assert renews(recorded, pull(head=NEW), is_open=True)
    assert not renews(recorded, pull(), is_open=True)
    closed = RecordedPull(OLD, False, AT)
    assert renews(closed, pull(), is_open=True)
    assert is_reopened(closed, is_open=True)
    assert not is_reopened(recorded, is_open=True)
