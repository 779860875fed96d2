"""Which tokens the edges' limits know: what SQL has, whatever Redis lost."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from redis import Redis

from builder.agent.routes.limit_tokens import LimitTokenSync
from slipway.adapters.redis import keys
from slipway.adapters.redis.limit_tokens import RedisLimitTokens
from slipway.core.access import tokens
from slipway.db import Database
from slipway.domain.tokens import create_tenant_if_missing, issue_token, revoke_token
from slipway.errors import DependencyUnavailable
from slipway.models import Token, now
from tests.fixtures.services.redis_server import RedisServer


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    with Redis.from_url(redis_url) as client:
        yield client


def issued(db: Database, tenant: str, name: str, expires_in_s: float | None = None) -> tuple[int, str]:
    with db.write(platform="a test's token") as session:
        row, text = issue_token(session, create_tenant_if_missing(session, tenant), name, expires_in_s=expires_in_s)
        return row.id, tokens.hashed(text)


def known(redis: Redis) -> dict[str, str]:
    return {key.decode(): value.decode() for key, value in redis.hgetall(keys.LIMIT_TOKENS).items()}


def test_limits_know_the_tokens_that_are_alive_and_whose_they_are(database: Database, redis: Redis) -> None:
    _, of_acme = issued(database, "acme", "one")
    _, of_other = issued(database, "other", "one", expires_in_s=3600)
    revoked_id, _ = issued(database, "acme", "revoked")
    ended_id, _ = issued(database, "acme", "ended", expires_in_s=3600)
    with database.write(platform="a test's token") as session:
        revoke_token(session, revoked_id)
        session.get_one(Token, ended_id).expires_at = now()

    LimitTokenSync(database, RedisLimitTokens(redis)).sync()

    found = known(redis)
    assert found.keys() == {of_acme, of_other}
    assert found[of_acme] == "acme|0"
    assert found[of_other].startswith("other|1")


def test_what_redis_lost_or_still_has_is_repaired(database: Database, redis: Redis) -> None:
    token_id, digest = issued(database, "acme", "one")
    sync = LimitTokenSync(database, RedisLimitTokens(redis))
    sync.sync()
    redis.flushall()
    sync.sync()
    assert known(redis) == {digest: "acme|0"}
    redis.hset(keys.LIMIT_TOKENS, "invented", "acme|0")
    with database.write(platform="a test's token") as session:
        revoke_token(session, token_id)
    sync.sync()
    assert known(redis) == {}


def test_an_unreachable_redis_is_reported(database: Database, own_redis: RedisServer) -> None:
    issued(database, "acme", "one")
    own_redis.stop()
    with Redis.from_url(own_redis.url) as client, pytest.raises(DependencyUnavailable):
        LimitTokenSync(database, RedisLimitTokens(client)).sync()
