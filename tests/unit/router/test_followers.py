from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from router.streams.events import Events
from router.streams.followers import Followers
from slipway.core.access.stream_quota import StreamQuota
from slipway.errors import TooManyFollowers, TooManyStreams
from tests.fixtures.identity.principals import token_of


@pytest.fixture(autouse=True)
def request_context() -> Iterator[None]:
    with Flask("test").test_request_context():
        yield


def nothing() -> Events:
    yield from ()


def test_a_tenants_places_are_bounded_and_free_again_when_a_stream_closes() -> None:
    followers = Followers(StreamQuota(total=100, per_tenant=2))
    streams = [followers.stream(nothing(), token_of(1, token)) for token in range(2)]
    with pytest.raises(TooManyStreams) as refused:
        followers.stream(nothing(), token_of(1, 3))
    assert "t1 follows 2 streams" in refused.value.message
    assert refused.value.details["retry_after_s"] > 0
    streams[0].close()
    followers.stream(nothing(), token_of(1, 3))


def test_one_token_can_not_take_its_tenants_places() -> None:
    followers = Followers(StreamQuota(total=100, per_tenant=4))
    for _ in range(2):
        followers.stream(nothing(), token_of(1, 7))
    with pytest.raises(TooManyStreams, match="'token-7' follows 2 streams"):
        followers.stream(nothing(), token_of(1, 7))
    followers.stream(nothing(), token_of(1, 8))


def test_the_hosts_last_places_are_for_tenants_that_have_few() -> None:
    followers = Followers(StreamQuota(total=8, per_tenant=6))
    for token in range(6):
        followers.stream(nothing(), token_of(1, token))
    for token in range(2):
        followers.stream(nothing(), token_of(2, token))
    with pytest.raises(TooManyFollowers):
        followers.stream(nothing(), token_of(3))


def test_a_stream_is_not_buffered_on_its_way() -> None:
    response = Followers(StreamQuota(total=1, per_tenant=1)).stream(nothing(), token_of(1))
    assert response.headers["X-Accel-Buffering"] == "no"
    assert response.content_type == "text/event-stream; charset=utf-8"
