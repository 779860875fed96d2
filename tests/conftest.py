"""Fixtures that any test may ask for; nothing starts unless it is asked for."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from slipway.host import checkout
from slipway.settings import PREFIX
from tests.fixtures.databases import (
    database,
    database_url,
    postgresql_cluster,
    postgresql_template,
    postgresql_url,
    sqlite_template,
    sqlite_url,
)
from tests.fixtures.redis_server import RedisServer, running_redis

NOBODYS = Path("/nonexistent/slipway")
__all__ = [
    "database",
    "database_url",
    "postgresql_cluster",
    "postgresql_template",
    "postgresql_url",
    "sqlite_template",
    "sqlite_url",
]


def pytest_configure() -> None:
    """A run that was put into the background ignores Ctrl-C, and so would every process that a test starts. What this
    checkout or its user have of an installation (settings, `.env`, a login) is nothing to tests."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        del os.environ[name]
    os.environ["SLIPWAY_CONFIG_DIR"] = str(NOBODYS)
    checkout.ENV_FILE = NOBODYS / ".env"


@pytest.fixture(scope="session")
def shared_redis() -> Iterator[RedisServer]:
    with running_redis() as server:
        yield server


@pytest.fixture
def redis_url(shared_redis: RedisServer) -> str:
    """An empty Redis."""
    shared_redis.flush()
    return shared_redis.url


@pytest.fixture
def own_redis() -> Iterator[RedisServer]:
    """A Redis of this test alone, which it may stop."""
    with running_redis() as server:
        yield server
