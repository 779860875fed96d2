from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from slipway.core.access.roles import Role
from tests.fixtures.api import Api, Caller, make_api
from tests.fixtures.identity.oidc_provider import OidcProvider, running_provider
from tests.fixtures.identity.sign_on import Edge, nowhere, with_sign_on


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


@pytest.fixture
def edge(api: Api) -> Edge:
    """The router as the edge asks it, with an identity provider that does not answer."""
    return Edge(with_sign_on(api.services, nowhere()))


@pytest.fixture
def provider() -> Iterator[OidcProvider]:
    with running_provider() as made:
        yield made


@pytest.fixture
def edge_with_provider(api: Api, provider: OidcProvider) -> Edge:
    """The same, with one that answers."""
    return Edge(with_sign_on(api.services, provider.url))
