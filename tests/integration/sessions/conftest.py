from __future__ import annotations

from collections.abc import Iterator

import pytest
from redis import Redis

from tests.integration.sessions.rig import Rig


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    with Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture
def rig(redis: Redis) -> Rig:
    return Rig(redis)
