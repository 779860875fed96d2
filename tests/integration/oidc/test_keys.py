"""Metadata and keys: fetched when they are needed, checked, and never more often than they should be."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import count
from typing import Any

import httpx
import pytest
from joserfc.jwk import RSAKey

from slipway.adapters.oidc.bounded_http import BoundedHttp
from slipway.adapters.oidc.cached_document import INTERVAL_S, MOST_WAITING, RETRY_S
from slipway.adapters.oidc.provider import KEYS_FRESH_S, KEYS_USABLE_S
from slipway.errors import DependencyUnavailable, NotAuthenticated
from tests.fixtures.identity.oidc_provider import Answer, Asked, OidcProvider
from tests.fixtures.identity.oidc_server import ELSEWHERE
from tests.fixtures.identity.oidc_tokens import ec_key, rsa_key, signed
from tests.fixtures.waiting import eventually
from tests.integration.oidc.conftest import Connect, RelyingParty


def test_nothing_is_fetched_before_it_is_needed_and_then_once(provider: OidcProvider, rp: RelyingParty) -> None:
    assert provider.asked == []
    for _ in range(5):
        rp.sign_on.verifier.access_token(provider.access_token())
    assert (provider.count("configuration"), provider.count("certs")) == (1, 1)


def test_tokens_that_have_no_form_cost_the_provider_nothing(provider: OidcProvider, rp: RelyingParty) -> None:
    for token in ("x", "a.b.c", "A" * 100_000, provider.access_token(header={"alg": "HS256", "kid": "new"})):
        with pytest.raises(NotAuthenticated):
            rp.sign_on.verifier.access_token(token)
    assert provider.asked == []


def test_a_flood_of_unknown_keys_is_one_fetch_in_ten_seconds(provider: OidcProvider, rp: RelyingParty) -> None:
    rp.sign_on.verifier.access_token(provider.access_token())
    forged = [signed({}, rsa_key("rsa-evil"), {"kid": f"unknown-{number}"}) for number in range(40)]

    def refused(token: str) -> None:
        with pytest.raises(NotAuthenticated, match="does not have"):
            rp.sign_on.verifier.access_token(token)

    for period in range(3):
        rp.clock.advance(INTERVAL_S + 1)
        with ThreadPoolExecutor(MOST_WAITING) as threads:
            list(threads.map(refused, forged))
        assert provider.count("certs") == 2 + period
    assert rp.sign_on.verifier.access_token(provider.access_token()).subject == "sub-of-ada"


def test_a_new_key_is_found_at_once(provider: OidcProvider, rp: RelyingParty) -> None:
    rp.sign_on.verifier.access_token(provider.access_token())
    provider.key = ec_key()
    provider.published.append(provider.key)
    rp.clock.advance(INTERVAL_S + 1)
    assert rp.sign_on.verifier.access_token(provider.access_token()).subject == "sub-of-ada"
    assert provider.count("certs") == 2


def test_a_key_that_was_withdrawn_is_soon_trusted_no_longer(provider: OidcProvider, rp: RelyingParty) -> None:
    token = provider.access_token()
    rp.sign_on.verifier.access_token(token)
    provider.published = [rsa_key("rsa-2")]
    rp.clock.advance(KEYS_FRESH_S + 1)
    with pytest.raises(NotAuthenticated, match="does not have"):
        rp.sign_on.verifier.access_token(token)


def test_keys_are_used_while_the_provider_is_down_but_not_for_ever(provider: OidcProvider, rp: RelyingParty) -> None:
    token = provider.access_token()
    rp.sign_on.verifier.access_token(token)
    provider.stop()
    rp.clock.advance(KEYS_FRESH_S + 1)
    assert rp.sign_on.verifier.access_token(token).subject == "sub-of-ada"
    rp.clock.advance(KEYS_USABLE_S)
    with pytest.raises(DependencyUnavailable, match="does not answer"):
        rp.sign_on.verifier.access_token(token)
    provider.start()
    rp.clock.advance(INTERVAL_S + 1)
    assert rp.sign_on.verifier.access_token(token).subject == "sub-of-ada"


def test_an_unknown_key_is_no_refusal_while_the_provider_is_down(provider: OidcProvider, rp: RelyingParty) -> None:
    """It may be the provider's newest."""
    rp.sign_on.verifier.access_token(provider.access_token())
    provider.stop()
    rp.clock.advance(INTERVAL_S + 1)
    for _ in range(3):
        with pytest.raises(DependencyUnavailable, match="does not answer"):
            rp.sign_on.verifier.access_token(signed({}, rsa_key("rsa-evil"), {"kid": "unknown"}))


def test_a_provider_that_does_not_answer_is_asked_again_soon_and_not_at_once(
    provider: OidcProvider, rp: RelyingParty
) -> None:
    provider.answers["configuration"] = Answer(503)
    for _ in range(3):
        with pytest.raises(DependencyUnavailable, match="answered 503"):
            rp.sign_on.verifier.access_token(provider.access_token())
    assert provider.count("configuration") == 1
    del provider.answers["configuration"]
    rp.clock.advance(RETRY_S + 0.1)
    assert rp.sign_on.verifier.access_token(provider.access_token()).subject == "sub-of-ada"


def test_threads_that_need_the_same_keys_share_one_fetch(provider: OidcProvider, rp: RelyingParty) -> None:
    provider.held["certs"] = threading.Event()
    token = provider.access_token()
    with ThreadPoolExecutor(MOST_WAITING) as threads:
        found = [threads.submit(rp.sign_on.verifier.access_token, token) for _ in range(MOST_WAITING)]
        eventually(lambda: provider.count("certs") == 1, what="one thread fetches")
        provider.held["certs"].set()
        assert {each.result(60).subject for each in found} == {"sub-of-ada"}
    assert (provider.count("configuration"), provider.count("certs")) == (1, 1)


def test_one_thread_fetches_anew_while_the_others_go_on(provider: OidcProvider, rp: RelyingParty) -> None:
    token = provider.access_token()
    rp.sign_on.verifier.access_token(token)
    provider.held["certs"] = threading.Event()
    rp.clock.advance(KEYS_FRESH_S + 1)
    with ThreadPoolExecutor(1) as threads:
        fetching = threads.submit(rp.sign_on.verifier.access_token, token)
        eventually(lambda: provider.count("certs") == 2, what="one thread fetches")
        assert rp.sign_on.verifier.access_token(token).subject == "sub-of-ada"
        assert not fetching.done()
        provider.held["certs"].set()
        assert fetching.result(60).subject == "sub-of-ada"
    assert provider.count("certs") == 2


def test_a_provider_that_hangs_does_not_take_all_threads_with_it(provider: OidcProvider, rp: RelyingParty) -> None:
    provider.held["configuration"] = threading.Event()
    token = provider.access_token()
    with ThreadPoolExecutor(MOST_WAITING) as threads:
        waiting = [threads.submit(rp.sign_on.verifier.access_token, token) for _ in range(MOST_WAITING)]
        eventually(lambda: _is_refused_at_once(rp, token), what="all places are taken")
        assert provider.count("configuration") == 1
        provider.held["configuration"].set()
        assert {each.result(60).subject for each in waiting} == {"sub-of-ada"}


def _is_refused_at_once(rp: RelyingParty, token: str) -> bool:
    with ThreadPoolExecutor(1) as threads:
        try:
            threads.submit(rp.sign_on.verifier.access_token, token).result(60)
        except DependencyUnavailable as error:
            return "is being asked" in error.message
    return False


def test_cookies_of_the_provider_are_not_kept(provider: OidcProvider, rp: RelyingParty) -> None:
    usual = provider.answer(Asked("certs", {}, ""))
    provider.answers["certs"] = replace(usual, headers={**usual.headers, "Set-Cookie": "session=somebody; Path=/"})
    before = rp.sign_in()
    rp.sign_on.flow.refresh(before.tokens.refresh_token, before.person.sub)
    assert {each.cookie for each in provider.asked if each.endpoint != "auth"} == {""}


def test_a_provider_on_this_machine_is_reached_without_a_proxy(
    provider: OidcProvider, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    assert connect().sign_on.verifier.access_token(provider.access_token()).subject == "sub-of-ada"


def test_an_answer_that_drips_is_cut_off(provider: OidcProvider) -> None:
    """The clock of this test says that a minute went by with each part of the answer."""
    http = BoundedHttp(clock=count(0, 60).__next__)
    with pytest.raises(httpx.ReadTimeout, match="takes too long"):
        http.get(f"{provider.issuer}/.well-known/openid-configuration")
    http.close()


@pytest.mark.parametrize(
    "answer",
    [
        Answer(404),
        Answer(500, b"oops"),
        Answer(200, b"<html>"),
        Answer(200, b"[]"),
        Answer(200, b'{"keys": {}}'),
        Answer(200, b'{"keys": ' + b"[" * 50_000 + b"}"),
        Answer(200, b'{"keys": [' + b",".join([b"{}"] * 60) + b"]}"),
        Answer(200, b'{"keys": []}' + b" " * (300 << 10)),
        Answer(302, b"", {"Location": ELSEWHERE}),
        Answer(200, b"\x1f\x8b\x08\x00", {"Content-Encoding": "gzip"}),
    ],
    ids=lambda answer: f"{answer.status}-{answer.body[:14]!r}-{len(answer.body)}",
)
def test_keys_that_can_not_be_read_are_a_matter_of_the_provider(
    provider: OidcProvider, rp: RelyingParty, answer: Answer
) -> None:
    provider.answers["certs"] = answer.at(provider.url)
    with pytest.raises(DependencyUnavailable, match="The identity provider at"):
        rp.sign_on.verifier.access_token(provider.access_token())
    assert provider.count("elsewhere") == 0


@pytest.mark.parametrize(
    "key",
    [
        {"kty": "oct", "k": "c2VjcmV0", "kid": "rsa-1"},
        {"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "short"},
        {"kty": "RSA", "n": "_" * 4000, "e": "AQAB", "kid": "long"},
        {"kty": "RSA", "kid": "empty"},
        {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "kid": "not on the curve"},
        {"kty": "EC", "crv": "P-0", "x": "AA", "y": "AA", "kid": "no such curve"},
        {"kty": "AKP", "alg": "ML-DSA-0", "pub": "AA", "kid": "post-quantum"},
        {"kty": ["RSA"], "kid": "a list"},
        {"kty": "RSA", "n": 5, "e": None, "kid": "numbers"},
        "no key",
        None,
    ],
    ids=str,
)
def test_a_key_that_can_not_be_used_leaves_the_others_in_use(
    provider: OidcProvider, rp: RelyingParty, key: Any
) -> None:
    provider.answers["certs"] = Answer.json({"keys": [key, provider.key.as_dict(private=False)]})
    assert rp.sign_on.verifier.access_token(provider.access_token()).subject == "sub-of-ada"


@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
def test_a_key_that_can_be_broken_verifies_nothing(provider: OidcProvider, rp: RelyingParty) -> None:
    provider.key = RSAKey.generate_key(1024, {"kid": "short", "use": "sig", "alg": "RS256"})
    provider.published = [provider.key]
    with pytest.raises(NotAuthenticated, match="does not have"):
        rp.sign_on.verifier.access_token(provider.access_token())


@pytest.mark.parametrize("changed", [{"use": "enc"}, {"key_ops": ["encrypt"]}, {"alg": "RSA-OAEP"}])
def test_a_key_for_something_else_verifies_nothing(
    provider: OidcProvider, rp: RelyingParty, changed: dict[str, Any]
) -> None:
    key = {**provider.key.as_dict(private=False), **changed}
    if "key_ops" in changed:
        del key["use"]
    provider.answers["certs"] = Answer.json({"keys": [key]})
    with pytest.raises(NotAuthenticated, match="does not have"):
        rp.sign_on.verifier.access_token(provider.access_token())


@pytest.mark.parametrize("algorithm", ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"])
def test_every_asymmetric_algorithm_is_verified(provider: OidcProvider, rp: RelyingParty, algorithm: str) -> None:
    curve = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}.get(algorithm)
    provider.metadata["id_token_signing_alg_values_supported"] = [algorithm]
    provider.key = ec_key(algorithm, curve, algorithm) if curve else rsa_key()
    public = {**provider.key.as_dict(private=False), "alg": algorithm}
    provider.answers["certs"] = Answer.json({"keys": [public]})
    token = provider.access_token(header={"alg": algorithm})
    assert rp.sign_on.verifier.access_token(token).subject == "sub-of-ada"
