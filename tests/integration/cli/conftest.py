from __future__ import annotations

import itertools
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from slipway.core.access.roles import Role
from tests.fixtures.identity.oidc_provider import OidcProvider, running_provider
from tests.fixtures.services.redis_server import RedisServer
from tests.integration.cli.people import SignOnPlatform, sign_on_platform
from tests.integration.cli.rig import Platform, User, router_of, serving, user_of

_numbers = itertools.count(1)


@pytest.fixture(scope="package")
def folder() -> Iterator[Path]:
    """Short enough for a unix socket's address."""
    with tempfile.TemporaryDirectory(prefix="slipway-", dir="/tmp") as made:
        yield Path(made)


@pytest.fixture(scope="package")
def platform(folder: Path, sqlite_template: Path, shared_redis: RedisServer) -> Iterator[Platform]:
    """One for all; each test brings its own tenant."""
    database = shutil.copy(sqlite_template, folder / "slipway.db")
    with serving(folder, f"sqlite:///{database}", shared_redis.url) as made, router_of(made):
        yield made


@pytest.fixture
def tenant() -> str:
    return f"acme-{next(_numbers)}"


@pytest.fixture
def slipway(platform: Platform, tenant: str, tmp_path: Path) -> User:
    """The command, as an owner calls it."""
    return user_of(platform, tmp_path / "owner", tenant)


@pytest.fixture
def viewer(platform: Platform, tenant: str, tmp_path: Path) -> User:
    return user_of(platform, tmp_path / "viewer", tenant, Role.VIEWER)


@pytest.fixture
def app(slipway: User, tenant: str) -> str:
    """An app that was never deployed."""
    name = f"shop-{tenant}"
    slipway("apps", "create", name, "--repository", f"https://github.com/{tenant}/shop.git")
    return name


@pytest.fixture
def provider() -> Iterator[OidcProvider]:
    with running_provider() as found:
        yield found


@pytest.fixture
def sign_on(
    provider: OidcProvider, sqlite_url: str, shared_redis: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[SignOnPlatform]:
    """A platform with sign-on, beside the one for all; nobody waits while somebody signs in."""
    redis_url = f"{shared_redis.url}?db=1"
    with Redis.from_url(redis_url) as client:
        client.flushdb()
    with (
        tempfile.TemporaryDirectory(prefix="slipway-", dir="/tmp") as folder,
        sign_on_platform(provider, Path(folder), sqlite_url, redis_url, tmp_path) as found,
    ):
        found.fake_clock(monkeypatch)
        yield found
