from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.fixtures.api import Api, make_services
from tests.fixtures.identity.oidc_provider import OidcProvider, running_provider
from tests.fixtures.identity.sign_on import with_sign_on
from tests.integration.login.rig import Browser, Console, client_of


@pytest.fixture
def provider() -> Iterator[OidcProvider]:
    with running_provider() as found:
        yield found


@pytest.fixture
def console(provider: OidcProvider, sqlite_url: str, redis_url: str) -> Iterator[Console]:
    with tempfile.TemporaryDirectory(prefix="slipway-", dir="/tmp") as folder:
        services = with_sign_on(make_services(Path(folder), sqlite_url, redis_url), provider.url)
        yield Console(Api(services, client_of(services)), provider)
        services.db.dispose()
        services.redis.close()


@pytest.fixture
def secure_console(console: Console) -> Console:
    """The same, reached over TLS."""
    settings = replace(console.services.settings, public_url="https://slipway.example.org")
    services = replace(console.services, settings=settings)
    return Console(Api(services, client_of(services)), console.provider)


@pytest.fixture
def browser(console: Console) -> Browser:
    return console.browser()
