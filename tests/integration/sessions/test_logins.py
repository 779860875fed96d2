"""Logins under way: each is taken once, holds nothing that Redis could tell, and only so many begin."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from redis import Redis

from slipway.adapters.redis import keys
from slipway.adapters.redis.identity_changes import KEPT, IdentityChanges
from slipway.adapters.redis.sessions import AppLogins, Logins
from slipway.adapters.redis.sessions.begin_rate import BY_ADDRESS, IN_ALL
from slipway.errors import TooManyLogins
from slipway.ports.sign_on import LoginSecrets
from tests.integration.sessions.rig import SEALS, Rig

SECRETS = LoginSecrets("the nonce", "the verifier")


@pytest.fixture
def logins(redis: Redis) -> Logins:
    return Logins(redis, SEALS)


@pytest.fixture
def app_logins(redis: Redis) -> AppLogins:
    return AppLogins(redis, SEALS)


def started(app_logins: AppLogins) -> str:
    return app_logins.begin("shop.example.org:8443", "https", "/cart?x=1", "a browser", "203.0.113.9")


def test_a_login_is_given_back_to_who_has_its_state(logins: Logins) -> None:
    state = logins.begin(SECRETS, "a browser", "/apps", "an app's login")
    found = logins.take(state)
    assert found is not None
    assert (found.secrets, found.browser_hash, found.target, found.app_login) == (
        SECRETS,
        "a browser",
        "/apps",
        "an app's login",
    )


def test_a_state_is_good_once_however_many_come_with_it(logins: Logins) -> None:
    state = logins.begin(SECRETS, "a browser", "/")
    with ThreadPoolExecutor(12) as pool:
        found = Counter(each is not None for each in pool.map(logins.take, [state] * 12))
    assert found == {True: 1, False: 11}


def test_a_code_is_good_once_however_many_come_with_it(app_logins: AppLogins) -> None:
    issued = app_logins.issue_code(started(app_logins), "a session's value")
    assert issued is not None
    with ThreadPoolExecutor(12) as pool:
        found = [each for each in pool.map(app_logins.take_code, [issued[0]] * 12) if each]
    assert [(each.parent, each.host, each.target) for each in found] == [
        ("a session's value", "shop.example.org:8443", "/cart?x=1")
    ]


def test_an_apps_login_gets_one_code(app_logins: AppLogins) -> None:
    login = started(app_logins)
    assert app_logins.read(login) == app_logins.read(login)
    assert app_logins.issue_code(login, "a session's value") is not None
    assert app_logins.issue_code(login, "another's") is None
    assert app_logins.read(login) is None


def test_states_ids_and_codes_are_nothing_in_place_of_each_other(logins: Logins, app_logins: AppLogins) -> None:
    state, login = logins.begin(SECRETS, "a browser", "/"), started(app_logins)
    assert (app_logins.read(state), app_logins.take_code(state), app_logins.take_code(login)) == (None, None, None)
    assert logins.take(login) is None
    assert logins.take(state) is not None


def test_redis_alone_tells_no_nonce_verifier_target_or_session(rig: Rig, logins: Logins, app_logins: AppLogins) -> None:
    state, login = logins.begin(SECRETS, "a browser", "/apps"), started(app_logins)
    issued = app_logins.issue_code(started(app_logins), "a session's value")
    assert issued is not None
    held = rig.everything()
    for secret in (state, login, issued[0], "the nonce", "the verifier", "/apps", "shop.example", "a session's value"):
        assert secret not in held, secret


def test_they_are_forgotten_after_minutes(redis: Redis, logins: Logins, app_logins: AppLogins) -> None:
    logins.begin(SECRETS, "a browser", "/")
    app_logins.issue_code(started(app_logins), "a session's value")
    started(app_logins)
    lives = {key.rpartition(b":")[0]: redis.ttl(key) for key in redis.scan_iter("slipway:logins:*")}
    assert 590 < lives[b"slipway:logins"] <= 600
    assert 590 < lives[b"slipway:logins:app"] <= 600
    assert 50 < lives[b"slipway:logins:code"] <= 60


def test_garbage_is_no_login(redis: Redis, logins: Logins) -> None:
    state = logins.begin(SECRETS, "a browser", "/")
    (key,) = [key for key in redis.scan_iter("slipway:logins:*") if b"begun" not in key]
    redis.set(key, b"garbage")
    assert logins.take(state) is None
    redis.lpush(key, "x")
    assert logins.take(state) is None
    for nothing in ("", "x", "A" * 43, "\udcff" * 43):
        assert logins.take(nothing) is None


def test_an_emptied_redis_knows_no_login(redis: Redis, logins: Logins, app_logins: AppLogins) -> None:
    state, login = logins.begin(SECRETS, "a browser", "/"), started(app_logins)
    redis.flushall()
    assert (logins.take(state), app_logins.read(login), app_logins.issue_code(login, "x")) == (None, None, None)


def test_one_address_begins_so_many_in_a_minute(redis: Redis, logins: Logins) -> None:
    for _ in range(BY_ADDRESS):
        logins.begin(SECRETS, "a browser", "/", address="2001:db8:1:2::1")
    with pytest.raises(TooManyLogins) as refused:
        logins.begin(SECRETS, "a browser", "/", address="2001:db8:1:2:ffff::9")
    assert 0 < refused.value.details["retry_after_s"] <= 60
    logins.begin(SECRETS, "a browser", "/", address="2001:db8:1:3::1")
    redis.delete(keys.begun_logins("login", "2001:db8:1:2::"))
    logins.begin(SECRETS, "a browser", "/", address="2001:db8:1:2::1")


def test_the_limit_of_an_address_is_exact_among_many_at_once(logins: Logins) -> None:
    def begin(_: int) -> bool:
        try:
            logins.begin(SECRETS, "a browser", "/", address="203.0.113.9")
        except TooManyLogins:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert Counter(pool.map(begin, range(BY_ADDRESS + 20))) == {True: BY_ADDRESS, False: 20}


def test_who_is_refused_takes_nothing_from_others(redis: Redis, logins: Logins) -> None:
    for _ in range(BY_ADDRESS + 5):
        try:
            logins.begin(SECRETS, "a browser", "/", address="203.0.113.9")
        except TooManyLogins:
            continue
    assert int(redis.get(keys.begun_logins("login", "all"))) == BY_ADDRESS


def test_all_together_begin_so_many_in_a_minute(redis: Redis, logins: Logins, app_logins: AppLogins) -> None:
    redis.set(keys.begun_logins("login", "all"), IN_ALL, ex=60)
    with pytest.raises(TooManyLogins, match="On this host"):
        logins.begin(SECRETS, "a browser", "/", address="203.0.113.9")
    started(app_logins)


def test_reports_to_edges_are_bounded(redis: Redis) -> None:
    changes = IdentityChanges(redis)
    for _ in range(25):
        changes.publish(*(f"person:{number}" for number in range(1000)))
    assert KEPT <= redis.xlen(keys.IDENTITY_CHANGES) < KEPT + 1000
