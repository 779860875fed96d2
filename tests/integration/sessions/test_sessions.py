"""Sessions in Redis: whose they are, how long they last, and what ends them."""

from __future__ import annotations

import base64
import hashlib

import pytest
from redis import Redis

from slipway.adapters.redis import keys
from slipway.adapters.redis.identity_changes import of_session_at_provider
from slipway.adapters.redis.sessions import Seals, Sessions, sealing
from slipway.errors import DependencyUnavailable, NotAuthenticated
from tests.fixtures.services.redis_server import RedisServer
from tests.integration.sessions.rig import ADA, GRACE, IDLE_S, LIFETIME_S, SEALS, Rig, tokens


def test_a_session_holds_who_signed_in(rig: Rig) -> None:
    value, session = rig.sign_in()
    assert rig.sessions.read(value) == session
    assert (session.person, session.id_token, session.refresh_token) == (ADA, "first id token", "first refresh token")


def test_its_id_is_the_digest_that_the_reference_describes(rig: Rig) -> None:
    value, session = rig.sign_in()
    secret = base64.urlsafe_b64decode(f"{value}=")
    assert len(secret) == 32
    assert session.id == hashlib.sha256(b"id" + secret).hexdigest()


def test_redis_alone_tells_nobodys_name_and_no_token(rig: Rig) -> None:
    value, _ = rig.sign_in()
    rig.sessions.create_app_session(value, "shop.example.org")
    held = rig.everything()
    for secret in (value, "sub-of-ada", "ada@example.org", "acme", "id token", "refresh token", "shop.example.org"):
        assert secret not in held, secret


def test_who_writes_to_redis_can_not_make_up_a_session(rig: Rig, redis: Redis) -> None:
    other = Sessions(redis, Seals(b"a key of another host"), idle_s=IDLE_S, lifetime_s=LIFETIME_S)
    value, session = other.create(ADA, tokens(), 0)
    assert other.read(value) == session
    assert rig.sessions.read(value) is None


def test_a_record_moved_to_another_sessions_place_is_not_read(rig: Rig, redis: Redis) -> None:
    value, session = rig.sign_in(GRACE)
    _, other = rig.sign_in(ADA)
    redis.set(keys.session(session.id), redis.get(keys.session(other.id)))
    assert rig.sessions.read(value) is None


@pytest.mark.parametrize(
    "garbage", [b"", b"short", b"x" * 5, b"x" * 500, b'{"person": {"sub": "eve"}}'], ids=lambda each: repr(each[:10])
)
def test_what_is_not_sealed_is_no_session(rig: Rig, redis: Redis, garbage: bytes) -> None:
    value, session = rig.sign_in()
    redis.set(keys.session(session.id), garbage)
    assert rig.sessions.read(value) is None


def test_a_key_of_another_type_is_no_session(rig: Rig, redis: Redis) -> None:
    value, session = rig.sign_in()
    redis.delete(keys.session(session.id))
    redis.lpush(keys.session(session.id), "x")
    assert rig.sessions.read(value) is None


@pytest.mark.parametrize("plain", [b"", b"[]", b"{}", b'{"person": 7}', b'{"person": {"sub": ""}}', b"\xff"])
def test_a_record_of_another_version_is_no_session(rig: Rig, redis: Redis, plain: bytes) -> None:
    value, session = rig.sign_in()
    sealer = SEALS.sealer(value, sealing.SESSION)
    assert sealer is not None
    redis.set(keys.session(session.id), sealer.seal(plain))
    assert rig.sessions.read(value) is None


def _other_spelling(value: str) -> str:
    """Of the same 32 bytes, for a decoder that ignores bits it does not need."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return value[:-1] + alphabet[alphabet.index(value[-1]) + 1]


@pytest.mark.parametrize("change", ["{}=", " {}", "{}A", "{}\n", "{} ", "%{}"])
def test_a_value_has_one_spelling(rig: Rig, change: str) -> None:
    value, _ = rig.sign_in()
    assert rig.sessions.read(change.format(value)) is None
    assert rig.sessions.read(_other_spelling(value)) is None


@pytest.mark.parametrize("value", ["", "x", "ä" * 43, "x" * 43, "\udcff" * 43, "A" * 100_000])
def test_what_is_no_value_is_nobodys(rig: Rig, value: str) -> None:
    rig.sign_in()
    assert rig.sessions.read(value) is None
    assert rig.sessions.end(value) is None
    assert rig.sessions.read_app_session(value, "shop.example.org") is None


def test_use_prolongs_it_and_is_written_once_a_minute(rig: Rig, redis: Redis) -> None:
    value, session = rig.sign_in()
    key = keys.session(session.id)
    rig.age(value, 30)
    left_ms = redis.pttl(key)
    rig.sessions.read(value)
    assert redis.pttl(key) <= left_ms
    rig.age(value, 40)
    rig.sessions.read(value)
    assert redis.pttl(key) > (IDLE_S - 10) * 1000


def test_without_use_redis_forgets_it(rig: Rig, redis: Redis) -> None:
    _, session = rig.sign_in()
    assert (IDLE_S - 10) * 1000 < redis.pttl(keys.session(session.id)) <= IDLE_S * 1000


def test_use_does_not_prolong_it_beyond_its_lifetime(rig: Rig, redis: Redis) -> None:
    value, session = rig.sign_in()
    rig.clock.at += LIFETIME_S - 100
    redis.pexpire(keys.session(session.id), 1000)
    assert rig.sessions.read(value) == session
    assert redis.pttl(keys.session(session.id)) <= 100_000
    assert rig.sessions.ends_at(session) == session.created_at + LIFETIME_S


def test_after_its_lifetime_it_is_over_also_when_redis_still_has_it(rig: Rig, redis: Redis) -> None:
    value, session = rig.sign_in()
    redis.persist(keys.session(session.id))
    rig.clock.at += LIFETIME_S
    assert rig.sessions.read(value) is None


def test_what_was_ended_can_not_be_written_back(rig: Rig) -> None:
    value, session = rig.sign_in()
    assert rig.sessions.end(value) == session
    assert rig.sessions.replace(value, session) is False
    assert rig.sessions.read(value) is None
    assert rig.reports() == [f"session:{session.id}"]


def test_replacing_one_does_not_prolong_it(rig: Rig, redis: Redis) -> None:
    value, session = rig.sign_in()
    redis.pexpire(keys.session(session.id), 5000)
    assert rig.sessions.replace(value, session) is True
    assert 0 < redis.pttl(keys.session(session.id)) <= 5000


def test_all_of_a_person_end_at_once_and_no_other(rig: Rig) -> None:
    values = [rig.sign_in()[0] for _ in range(3)]
    grace, _ = rig.sign_in(GRACE)
    assert rig.sessions.end_of_sub(ADA.sub) == 3
    assert [rig.sessions.read(value) for value in values] == [None] * 3
    assert rig.sessions.read(grace) is not None
    assert rig.reports() == ["person:sub-of-ada"]
    assert rig.sessions.end_of_sub(ADA.sub) == 0


def test_a_session_that_begins_while_a_persons_end_asks_the_provider_first(rig: Rig) -> None:
    asked_at = rig.clock()
    rig.clock.at += 1
    rig.sessions.end_of_sub(ADA.sub)
    rig.clock.at += 1
    value, _ = rig.sessions.create(ADA, tokens(), rig.clock(), asked_at=asked_at)
    rig.flow.refuses = NotAuthenticated("disabled")
    assert rig.current.current(value) is None


def test_the_sessions_of_one_at_the_provider_end_and_no_other(rig: Rig) -> None:
    value, session = rig.sign_in()
    grace, _ = rig.sign_in(GRACE)
    assert rig.sessions.end_of_sid(ADA.sid) == 1
    assert rig.sessions.read(value) is None
    assert rig.sessions.read(grace) is not None
    assert rig.reports() == [of_session_at_provider(ADA.sid), f"session:{session.id}"]
    assert rig.sessions.has_ended_at_provider(ADA.sid)
    assert rig.sessions.end_of_sid("unknown") == 0


def test_no_session_begins_with_one_at_the_provider_that_has_ended(rig: Rig, redis: Redis) -> None:
    rig.sessions.end_of_sid(ADA.sid)
    with pytest.raises(NotAuthenticated, match="just ended"):
        rig.sign_in()
    assert [key for key in redis.scan_iter(keys.session("*")) if len(key) == len(keys.session("0" * 64))] == []


def test_indexes_do_not_outlive_the_sessions(rig: Rig, redis: Redis) -> None:
    rig.sign_in()
    for index in (keys.sessions_of_person(ADA.sub), keys.sessions_at_provider(ADA.sid)):
        assert 0 < redis.ttl(index) <= LIFETIME_S + 1


def test_an_app_session_is_good_on_its_host_alone(rig: Rig) -> None:
    parent, session = rig.sign_in()
    value = rig.sessions.create_app_session(parent, "shop.example.org")
    assert value is not None
    assert rig.sessions.read_app_session(value, "shop.example.org") == session
    assert rig.sessions.read_app_session(value, "blog.example.org") is None
    assert rig.sessions.read(value) is None, "it is no session of the console"
    assert rig.sessions.read_app_session(parent, "shop.example.org") is None, "the console's cookie is none of an app"


def test_an_app_session_ends_with_its_parent(rig: Rig) -> None:
    parent, _ = rig.sign_in()
    value = rig.sessions.create_app_session(parent, "shop.example.org")
    assert value is not None
    rig.sessions.end(parent)
    assert rig.sessions.read_app_session(value, "shop.example.org") is None
    assert rig.sessions.create_app_session(parent, "shop.example.org") is None


def test_an_app_session_ends_without_its_parent(rig: Rig) -> None:
    parent, session = rig.sign_in()
    value = rig.sessions.create_app_session(parent, "shop.example.org")
    assert value is not None
    rig.sessions.end_app_session(value)
    assert rig.sessions.read_app_session(value, "shop.example.org") is None
    assert rig.sessions.read(parent) == session


def test_the_use_of_an_app_is_use_of_the_session(rig: Rig, redis: Redis) -> None:
    parent, session = rig.sign_in()
    value = rig.sessions.create_app_session(parent, "shop.example.org")
    assert value is not None
    rig.age(parent, 600)
    rig.sessions.read_app_session(value, "shop.example.org")
    assert redis.pttl(keys.session(session.id)) > (IDLE_S - 10) * 1000


def test_an_emptied_redis_leaves_nobody_signed_in(rig: Rig, redis: Redis) -> None:
    value, _ = rig.sign_in()
    redis.flushall()
    assert rig.sessions.read(value) is None
    again, session = rig.sign_in()
    assert rig.sessions.read(again) == session


def test_a_redis_that_does_not_answer_is_reported(own_redis: RedisServer) -> None:
    with Redis.from_url(own_redis.url, socket_timeout=1) as client:
        rig = Rig(client)
        value, _ = rig.sign_in()
        own_redis.stop()
        for call in (
            lambda: rig.sessions.read(value),
            lambda: rig.sessions.end(value),
            lambda: rig.sessions.end_of_sub(ADA.sub),
            lambda: rig.sessions.end_of_sid(ADA.sid),
            lambda: rig.current.current(value),
            lambda: rig.changes.publish("all"),
            rig.sign_in,
        ):
            with pytest.raises(DependencyUnavailable):
                call()
