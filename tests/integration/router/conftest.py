from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from slipway.core.access.roles import Role
from tests.fixtures.api import Api, Caller, make_api


@pytest.fixture
def state_dir() -> Iterator[Path]:
    """Short enough for a unix socket's address."""
    with tempfile.TemporaryDirectory(prefix="slipway-", dir="/tmp") as folder:
        yield Path(folder)


@pytest.fixture
def api(state_dir: Path, sqlite_url: str, redis_url: str) -> Iterator[Api]:
    made = make_api(state_dir, sqlite_url, redis_url)
    yield made
    made.services.db.dispose()
    made.services.redis.close()


@pytest.fixture
def owner(api: Api) -> Caller:
    return api.caller("acme", Role.OWNER)


@pytest.fixture
def developer(api: Api) -> Caller:
    return api.caller("acme", Role.DEVELOPER)


@pytest.fixture
def viewer(api: Api) -> Caller:
    return api.caller("acme", Role.VIEWER)


@pytest.fixture
def stranger(api: Api) -> Caller:
    """An owner, of another tenant."""
    return api.caller("globex", Role.OWNER)
