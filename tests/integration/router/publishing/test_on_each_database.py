"""What the database decides, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.fixtures.identity.ci_jobs import Jobs
from tests.fixtures.identity.oidc_provider import OidcProvider
from tests.fixtures.services.redis_server import RedisServer
from tests.integration.router.publishing.conftest import jobs_of_new_tenant, platform


@pytest.fixture
def trusted(
    state_dir: Path, database_url: str, shared_redis: RedisServer, shared_issuer: OidcProvider
) -> Iterator[Jobs]:
    with platform(state_dir, database_url, shared_redis, shared_issuer) as api:
        jobs = jobs_of_new_tenant(api, shared_issuer)
        jobs.trust()
        yield jobs


def test_of_many_that_come_with_the_same_token_one_gets_something(trusted: Jobs) -> None:
    token = trusted.token()
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: trusted.ask(token).status_code, range(8)))
    assert answers.count(200) == 1
    assert set(answers) <= {200, 401, 429}


def test_of_many_first_jobs_one_says_which_numbers_hold(trusted: Jobs) -> None:
    tokens = [trusted.token(repository_id=str(number)) for number in range(6)]
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda token: trusted.ask(token).status_code, tokens))
    assert answers.count(200) == 1
    [publisher] = trusted.owner.get("/api/apps/shop/publishers")["publishers"]
    assert publisher["pinned"]["repository_id"] == str(answers.index(200))


def test_a_publisher_that_is_removed_takes_its_jobs_tokens_with_it(trusted: Jobs) -> None:
    job, token = trusted.job(), trusted.token()
    [publisher] = trusted.owner.get("/api/apps/shop/publishers")["publishers"]
    trusted.owner.delete(f"/api/apps/shop/publishers/{publisher['id']}")
    assert job.problem(401, "GET", "/api/apps/shop/deployments")
    assert trusted.refusal(token)
