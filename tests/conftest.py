"""Fixtures that any test may ask for; nothing starts unless it is asked for."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from slipway.host import checkout
from slipway.settings import PREFIX
from tests.fixtures import compiled_routes, compiled_statements
from tests.fixtures.databases import (
    database,
    database_url,
    postgresql_cluster,
    postgresql_copies,
    postgresql_template,
    postgresql_url,
    sqlite_template,
    sqlite_url,
)
from tests.fixtures.services.redis_server import RedisServer, running_redis
from tests.lanes import MARKED_FOLDERS, processor_s

NOBODYS = Path("/nonexistent/slipway")
TESTS = Path(__file__).parent
__all__ = [
    "database",
    "database_url",
    "postgresql_cluster",
    "postgresql_copies",
    "postgresql_template",
    "postgresql_url",
    "sqlite_template",
    "sqlite_url",
]


def pytest_configure() -> None:
    """A run that was put into the background ignores Ctrl-C, and so would every process that a test starts. What this
    checkout or its user have of an installation (settings, `.env`, a login) is nothing to tests. Processes that tests
    start keep the code that they compiled, also where the environment says otherwise: compiling takes a sixth of a
    service's start."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        del os.environ[name]
    os.environ["SLIPWAY_CONFIG_DIR"] = str(NOBODYS)
    checkout.ENV_FILE = NOBODYS / ".env"
    checkout.default_state_dir = lambda: NOBODYS
    compiled_statements.share()
    compiled_routes.share()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark whole folders. Tests of the firewall come first: the rules of another installation on the same Engine would
    hide what they look for."""
    for item in items:
        for folder, marker in MARKED_FOLDERS.items():
            if item.path.is_relative_to(TESTS / folder):
                item.add_marker(marker)
    items.sort(key=lambda item: item.get_closest_marker("firewall") is None)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What this run took of the processors: the suite's length depends on it."""
    terminalreporter.write_line(f"{processor_s():.0f} s of a processor, without what is done by daemons")


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
