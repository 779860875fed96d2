"""Sessions follow what the identity provider knows, and it is asked once however many come."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from redis import Redis

from slipway.adapters.redis import keys
from slipway.adapters.redis.sessions import refreshing
from slipway.errors import DependencyUnavailable, IdentityRefused, NotAuthenticated
from tests.fixtures.waiting import eventually
from tests.integration.sessions.rig import ADA, GRACE, Rig, tokens

CALLERS = 12
VIEWER = replace(ADA, groups=("/tenants/acme/viewer",), realm_roles=())


def test_nobody_is_asked_while_the_access_token_is_good(rig: Rig) -> None:
    value, session = rig.sign_in()
    rig.clock.at += 239
    assert rig.current.current(value) == session
    assert rig.flow.asked == []


def test_a_minute_before_the_access_token_is_over_the_tokens_are_renewed(rig: Rig) -> None:
    value, session = rig.sign_in()
    rig.flow.person = VIEWER
    rig.clock.at += 240
    renewed = rig.current.current(value)
    assert renewed is not None
    assert (renewed.id, renewed.person, renewed.created_at) == (session.id, VIEWER, session.created_at)
    assert (renewed.refresh_token, renewed.auth_time) == ("refresh 1 refresh token", session.auth_time)
    assert rig.sessions.read(value) == renewed
    assert rig.current.current(value) == renewed
    assert rig.flow.asked == ["first refresh token"]


def test_a_change_at_the_provider_counts_at_once(rig: Rig) -> None:
    value, _ = rig.sign_in()
    rig.clock.at += 1
    rig.flow.person = VIEWER
    rig.changes.person_changed(ADA.sub)
    found = rig.current.current(value)
    assert found is not None
    assert found.person == VIEWER
    rig.clock.at += 1
    rig.current.current(value)
    assert len(rig.flow.asked) == 2, "the change may have come in the same moment as the answer"
    rig.current.current(value)
    assert len(rig.flow.asked) == 2
    assert rig.reports() == ["person:sub-of-ada"]


def test_a_change_of_somebody_else_is_none(rig: Rig) -> None:
    value, _ = rig.sign_in()
    rig.clock.at += 1
    rig.changes.person_changed(GRACE.sub)
    rig.current.current(value)
    assert rig.flow.asked == []


def test_many_who_come_with_one_cookie_are_one_refresh(rig: Rig) -> None:
    value, _ = rig.sign_in()
    rig.clock.at += 1
    rig.changes.person_changed(ADA.sub)
    rig.clock.at += 1
    rig.flow.person = VIEWER
    with ThreadPoolExecutor(CALLERS) as pool:
        found = list(pool.map(rig.current.current, [value] * CALLERS))
    assert rig.flow.asked == ["first refresh token"]
    assert {each.person for each in found if each} == {VIEWER}
    assert None not in found


def test_who_comes_while_tokens_are_renewed_in_time_does_not_wait(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refreshing, "WAIT_S", 3600.0)
    value, session = rig.sign_in()
    rig.clock.at += 250
    goes_on = threading.Event()
    rig.flow.while_asked = lambda: goes_on.wait(120) and None  # type: ignore[func-returns-value]
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(rig.current.current, value)
        eventually(lambda: rig.flow.asked, what="the provider is asked")
        second = pool.submit(rig.current.current, value)
        try:
            assert second.result(60) == session
        finally:
            goes_on.set()
        renewed = first.result(60)
    assert renewed is not None
    assert renewed.refresh_token == "refresh 1 refresh token"


def test_a_session_that_is_out_of_date_is_not_used_while_another_renews_it(
    rig: Rig, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refreshing, "WAIT_S", 0.05)
    value, session = rig.sign_in()
    redis.set(keys.session_refresh(session.id), "one that was killed", px=30_000)
    rig.clock.at += 1
    rig.changes.person_changed(ADA.sub)
    with pytest.raises(DependencyUnavailable, match="just being renewed"):
        rig.current.current(value)
    rig.sessions.replace(value, replace(session, person=VIEWER, refreshed_at=rig.clock.at + 1))
    renewed = rig.current.current(value)
    assert renewed is not None
    assert renewed.person == VIEWER


def test_a_session_that_the_provider_has_ended_ends_here(rig: Rig) -> None:
    value, session = rig.sign_in()
    rig.flow.refuses = NotAuthenticated("The session at the identity provider has ended.")
    rig.clock.at += 250
    assert rig.current.current(value) is None
    assert rig.sessions.read(value) is None
    assert rig.reports() == [f"session:{session.id}"]
    assert rig.ended == [(session.id, "The session at the identity provider has ended.")]


@pytest.mark.parametrize("error", [DependencyUnavailable("down"), IdentityRefused("another secret")])
def test_a_provider_that_does_not_answer_ends_nothing_and_is_left_alone(rig: Rig, error: Exception) -> None:
    value, session = rig.sign_in()
    rig.flow.refuses = error
    rig.clock.at += 400
    assert rig.current.current(value) == session
    assert rig.current.current(value) == session
    assert len(rig.flow.asked) == 1
    rig.pause.at += refreshing.PAUSE_S
    rig.flow.refuses = None
    renewed = rig.current.current(value)
    assert renewed is not None
    assert renewed.refresh_token == "refresh 2 refresh token"


def test_a_session_that_ends_while_it_is_renewed_stays_ended(rig: Rig) -> None:
    value, _ = rig.sign_in()
    rig.clock.at += 250
    rig.flow.while_asked = lambda: rig.sessions.end(value) and None  # type: ignore[func-returns-value]
    assert rig.current.current(value) is None
    assert rig.sessions.read(value) is None


def test_a_refresh_leaves_no_lock(rig: Rig, redis: Redis) -> None:
    value, session = rig.sign_in()
    rig.clock.at += 250
    rig.current.current(value)
    assert redis.exists(keys.session_refresh(session.id)) == 0


def test_a_lock_that_was_lost_is_not_taken_from_another(rig: Rig, redis: Redis) -> None:
    value, session = rig.sign_in()
    rig.clock.at += 250
    lock = keys.session_refresh(session.id)
    rig.flow.while_asked = lambda: redis.set(lock, "another's") and None
    assert rig.current.current(value) is not None
    assert redis.get(lock) == b"another's"


def test_without_a_refresh_token_a_session_lasts_as_long_as_its_access_token(rig: Rig) -> None:
    value, session = rig.sessions.create(ADA, replace(tokens(at=rig.clock()), refresh_token=""), rig.clock())
    assert rig.current.current(value) == session
    rig.clock.at += 250
    assert rig.current.current(value) is None
    assert rig.flow.asked == []


def test_an_apps_session_is_renewed_with_its_parent(rig: Rig) -> None:
    parent, _ = rig.sign_in()
    value = rig.sessions.create_app_session(parent, "shop.example.org")
    assert value is not None
    rig.clock.at += 250
    rig.flow.person = VIEWER
    found = rig.current.current_of_app(value, "shop.example.org")
    assert found is not None
    assert found.person == VIEWER
    assert rig.current.current_of_app(value, "blog.example.org") is None
    assert rig.sessions.read(parent) == found
