"""Tokens of a GitHub App's installations, from a stand-in for GitHub made of its published description."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from slipway.adapters.github.app_tokens import InstallationTokens, NotInstalled
from slipway.core.github.manifest import Purpose
from slipway.errors import DependencyUnavailable, GitHubRefused
from tests.fixtures.github.server import GitHub, github

TOKENS = "POST /app/installations/{installation_id}/access_tokens"


class Clock:
    def __init__(self) -> None:
        self.ahead_s = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead_s


@pytest.fixture
def hub() -> Iterator[GitHub]:
    with github() as known:
        known.add_installation(55, "acme", "shop", "blog")
        yield known
        assert known.faults == []


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tokens(hub: GitHub, clock: Clock) -> InstallationTokens:
    return InstallationTokens(hub.registration, clock)


def test_a_token_is_of_one_repository_and_may_do_no_more_than_its_purpose(
    hub: GitHub, tokens: InstallationTokens
) -> None:
    value = tokens.token("acme", "shop", Purpose.FETCH, {55})
    assert hub.tokens[value] == {"repositories": ["shop"], "permissions": {"contents": "read"}}


def test_a_token_is_kept_for_its_repository_and_purpose(hub: GitHub, tokens: InstallationTokens) -> None:
    first = tokens.token("acme", "shop", Purpose.FETCH, {55})
    assert tokens.token("Acme", "Shop", Purpose.FETCH, {55}) == first
    assert tokens.token("acme", "shop", Purpose.REPORT, {55}) != first
    assert tokens.token("acme", "blog", Purpose.FETCH, {55}) != first
    assert len(hub.asked(TOKENS)) == 3


def test_a_token_is_not_handed_out_shortly_before_its_end(
    hub: GitHub, tokens: InstallationTokens, clock: Clock
) -> None:
    first = tokens.token("acme", "shop", Purpose.FETCH, {55})
    tokens_made = len(hub.tokens)
    clock.ahead_s = 3600 - 240
    with pytest.raises(GitHubRefused):  # the stand-in's clock is not ahead: the App's own token is of the future to it
        tokens.token("acme", "shop", Purpose.FETCH, {55})
    clock.ahead_s = 0
    assert tokens.token("acme", "shop", Purpose.FETCH, {55}) == first
    assert len(hub.tokens) == tokens_made


def test_many_at_once_ask_github_once(hub: GitHub, tokens: InstallationTokens) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: tokens.token("acme", "shop", Purpose.FETCH, {55}), range(24)))
    assert len(found) == 1
    assert len(hub.asked(TOKENS)) == 1


def test_a_tenant_without_the_installation_gets_no_token_and_not_a_kept_one_either(
    hub: GitHub, tokens: InstallationTokens
) -> None:
    tokens.token("acme", "shop", Purpose.FETCH, {55})
    for connected in (set[int](), {56}):
        with pytest.raises(NotInstalled):
            tokens.token("acme", "shop", Purpose.FETCH, connected)
    assert len(hub.asked(TOKENS)) == 1


def test_a_repository_outside_of_the_installation_is_named_with_what_to_do(tokens: InstallationTokens) -> None:
    with pytest.raises(NotInstalled) as refused:
        tokens.token("acme", "secret", Purpose.FETCH, {55})
    assert refused.value.message == "the GitHub App is not connected for acme/secret"
    assert refused.value.remedy.endswith("/apps/slipway-test/installations/new")


def test_a_suspended_installation_says_so(hub: GitHub, tokens: InstallationTokens) -> None:
    hub.installations[55].is_suspended = True
    with pytest.raises(GitHubRefused) as refused:
        tokens.token("acme", "shop", Purpose.FETCH, {55})
    assert "suspended" in refused.value.message
    assert refused.value.remedy.endswith("/settings/installations/55")


def test_github_being_down_is_no_refusal(hub: GitHub, tokens: InstallationTokens) -> None:
    hub.is_down = True
    with pytest.raises(DependencyUnavailable):
        tokens.token("acme", "shop", Purpose.FETCH, {55})


def test_a_token_that_github_takes_no_more_is_asked_for_anew(hub: GitHub, tokens: InstallationTokens) -> None:
    first = tokens.token("acme", "shop", Purpose.FETCH, {55})
    tokens.forget(first)
    assert tokens.token("acme", "shop", Purpose.FETCH, {55}) != first
