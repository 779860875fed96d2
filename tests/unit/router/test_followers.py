from __future__ import annotations

import pytest

from router.followers import Followers, TooManyFollowers, event


def test_an_event_has_a_field_for_every_line() -> None:
    assert event("line", "one", position="1-0") == "event: line\nid: 1-0\ndata: one\n\n"
    assert event("line", "a\r\nb\rc\n") == "event: line\ndata: a\ndata: b\ndata: c\ndata: \n\n"
    assert event("end", "") == "event: end\ndata: \n\n"


def test_places_are_bounded_and_free_again_when_a_stream_closes() -> None:
    followers = Followers(2)
    streams = [followers.stream(iter(())) for _ in range(2)]
    with pytest.raises(TooManyFollowers) as refused:
        followers.stream(iter(()))
    assert refused.value.details["retry_after_s"] > 0
    streams[0].close()
    followers.stream(iter(()))


def test_a_stream_is_not_buffered_on_its_way() -> None:
    response = Followers(1).stream(iter(()))
    assert response.headers["X-Accel-Buffering"] == "no"
    assert response.content_type == "text/event-stream; charset=utf-8"
