from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from slipway.adapters.redis.work_queue import WorkQueue, connect
from slipway.models import Replica
from tests.fakes import FakeContainer
from tests.fixtures.services.redis_server import RedisServer, running_redis
from tests.integration.agent.output_rig import live_replica, printing_container
from tests.integration.agent.rig import Rig, rig_in_memory


@pytest.fixture
def rig(sqlite_template: Path) -> Iterator[Rig]:
    with rig_in_memory(sqlite_template) as made:
        yield made


@pytest.fixture
def rig_on_each_database(database_url: str, tmp_path: Path) -> Iterator[Rig]:
    """For tests of what depends on the kind of database: they run once on each."""
    made = Rig(database_url, tmp_path)
    yield made
    made.db.dispose()


@pytest.fixture
def replica(rig: Rig) -> Replica:
    return live_replica(rig)


@pytest.fixture
def container(rig: Rig, replica: Replica) -> FakeContainer:
    """The replica's, with five lines of output."""
    return printing_container(rig, replica)


@pytest.fixture(scope="module")
def redis_server() -> Iterator[RedisServer]:
    with running_redis() as server:
        yield server


@pytest.fixture
def redis(redis_server: RedisServer) -> Iterator[Redis]:
    redis_server.flush()
    with connect(redis_server.url) as client:
        yield client


@pytest.fixture
def queue(redis: Redis) -> WorkQueue:
    return WorkQueue(redis, job_timeout_s=60)
