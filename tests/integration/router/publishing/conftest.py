from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from router.app import create_app
from router.identity import job_tokens
from slipway.core.access.roles import Role
from tests.fixtures.api import Api, Caller, make_services
from tests.fixtures.identity.ci_jobs import PUBLIC_URL, Jobs
from tests.fixtures.identity.oidc_provider import OidcProvider, running_provider
from tests.fixtures.services.redis_server import RedisServer

_numbers = itertools.count(1)


@contextmanager
def platform(folder: Path, database_url: str, redis: RedisServer, issuer: OidcProvider) -> Iterator[Api]:
    """Its settings allow that issuer, which is inside this host. Nobody can sign in there."""
    services = make_services(folder, database_url, redis.url)
    settings = replace(services.settings, public_url=PUBLIC_URL, issuer_hosts=("public", f"127.0.0.1:{issuer.port}"))
    services = replace(services, settings=settings, job_tokens=job_tokens.connect(settings))
    yield Api(services, create_app(services).test_client())
    services.db.dispose()
    services.redis.close()


@pytest.fixture(scope="module")
def shared_issuer() -> Iterator[OidcProvider]:
    """The CI system of many tests, none of which bends it."""
    with running_provider() as running:
        yield running


@pytest.fixture(scope="module")
def shared_api(
    tmp_path_factory: pytest.TempPathFactory,
    sqlite_template: Path,
    shared_redis: RedisServer,
    shared_issuer: OidcProvider,
) -> Iterator[Api]:
    folder = tmp_path_factory.mktemp("publishing")
    database = Path(shutil.copy(sqlite_template, folder / "slipway.db"))
    with platform(folder, f"sqlite:///{database}", shared_redis, shared_issuer) as made:
        yield made


def jobs_of_new_tenant(api: Api, issuer: OidcProvider) -> Jobs:
    tenant = f"acme{next(_numbers)}"
    owner = api.caller(tenant, Role.OWNER)
    owner.create_app("shop")
    return Jobs(api, issuer, tenant, owner)


@pytest.fixture
def jobs(shared_api: Api, shared_issuer: OidcProvider) -> Jobs:
    """Of a tenant of this test alone, which has the app `shop`. Nobody is trusted yet."""
    return jobs_of_new_tenant(shared_api, shared_issuer)


@pytest.fixture
def owner(jobs: Jobs) -> Caller:
    return jobs.owner


@pytest.fixture
def trusted(jobs: Jobs) -> Jobs:
    """The app trusts the jobs of octo/shop."""
    jobs.trust()
    return jobs


@pytest.fixture
def issuer() -> Iterator[OidcProvider]:
    """A CI system that the test may bend: see `bent`."""
    with running_provider() as running:
        yield running


@pytest.fixture
def bent(state_dir: Path, sqlite_template: Path, shared_redis: RedisServer, issuer: OidcProvider) -> Iterator[Jobs]:
    """As `trusted`, on a platform that has never asked `issuer` for anything."""
    database = Path(shutil.copy(sqlite_template, state_dir / "slipway.db"))
    with platform(state_dir, f"sqlite:///{database}", shared_redis, issuer) as made:
        jobs = jobs_of_new_tenant(made, issuer)
        jobs.trust()
        yield jobs
