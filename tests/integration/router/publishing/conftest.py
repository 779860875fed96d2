from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from router.app import create_app
from router.identity import job_tokens
from slipway.core.access.roles import Role
from tests.fixtures.api import Api, Caller, make_services
from tests.fixtures.identity.oidc_provider import OidcProvider, running_provider
from tests.integration.router.publishing.jobs import PUBLIC_URL, Jobs


@pytest.fixture
def issuer() -> Iterator[OidcProvider]:
    """A CI system."""
    with running_provider() as running:
        yield running


@pytest.fixture
def api(state_dir: Path, sqlite_url: str, redis_url: str, issuer: OidcProvider) -> Iterator[Api]:
    """A platform whose settings allow that issuer, which is inside this host. Nobody can sign in there."""
    services = make_services(state_dir, sqlite_url, redis_url)
    settings = replace(services.settings, public_url=PUBLIC_URL, issuer_hosts=("public", f"127.0.0.1:{issuer.port}"))
    services = replace(services, settings=settings, job_tokens=job_tokens.connect(settings))
    yield Api(services, create_app(services).test_client())
    services.db.dispose()
    services.redis.close()


@pytest.fixture
def owner(api: Api) -> Caller:
    """With the app `shop`."""
    made = api.caller("acme", Role.OWNER)
    made.create_app("shop")
    return made


@pytest.fixture
def jobs(api: Api, issuer: OidcProvider, owner: Caller) -> Jobs:
    del owner
    return Jobs(api, issuer)
