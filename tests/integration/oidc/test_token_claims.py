"""The attack table, what tokens say: each wrong claim is refused with a sentence that names it, and no kind of token is
taken for another."""

from __future__ import annotations

import time
from typing import Any

import pytest

from slipway.errors import NotAuthenticated
from tests.fixtures.identity.oidc_provider import CLIENT, OidcProvider
from tests.integration.oidc.conftest import RelyingParty

NOW = int(time.time())


ACCESS: dict[str, tuple[dict[str, Any], str]] = {
    "expired": ({"exp": NOW - 3600}, r"has expired \(exp\)"),
    "expired a minute ago": ({"exp": NOW - 60}, r"has expired \(exp\)"),
    "without exp": ({"exp": None}, "no valid time exp"),
    "exp as text": ({"exp": "9999999999"}, "no valid time exp"),
    "exp true": ({"exp": True}, "no valid time exp"),
    "exp without end": ({"exp": 10**400}, "no valid time exp"),
    "exp negative": ({"exp": -1}, "no valid time exp"),
    "issued in the future": ({"iat": NOW + 3600}, r"in the future \(iat\)"),
    "without iat": ({"iat": None}, "no valid time iat"),
    "not valid yet": ({"nbf": NOW + 3600}, r"not valid yet \(nbf\)"),
    "nbf as text": ({"nbf": "0"}, "no valid time nbf"),
    "another audience": ({"aud": "another-api"}, r"not for slipway-api \(aud\)"),
    "an audience that begins like it": ({"aud": "slipway-api-2"}, r"not for slipway-api \(aud\)"),
    "another case of the audience": ({"aud": "Slipway-API"}, r"not for slipway-api \(aud\)"),
    "audiences, without it": ({"aud": ["account", "another-api"]}, r"not for slipway-api \(aud\)"),
    "without audience": ({"aud": None}, r"not for slipway-api \(aud\)"),
    "audience in an object": ({"aud": {"slipway-api": True}}, r"not for slipway-api \(aud\)"),
    "audiences of other shapes": ({"aud": ["slipway-api", 1]}, r"not for slipway-api \(aud\)"),
    "another issuer": ({"iss": "https://evil.example/realms/slipway"}, r"another issuer \(iss\)"),
    "another realm": ({"iss": "http://127.0.0.1/realms/master"}, r"another issuer \(iss\)"),
    "without issuer": ({"iss": None}, r"another issuer \(iss\)"),
    "issuer as a list": ({"iss": ["x"]}, r"another issuer \(iss\)"),
    "an ID token's kind": ({"typ": "ID"}, "is no access token"),
    "a refresh token's kind": ({"typ": "Refresh"}, "is no access token"),
    "an offline token's kind": ({"typ": "Offline"}, "is no access token"),
    "without a kind": ({"typ": None}, "is no access token"),
    "an ID token's nonce": ({"nonce": "n"}, "is no access token"),
    "an ID token's at_hash": ({"at_hash": "x"}, "is no access token"),
    "a logout token's events": ({"events": {}}, "is no access token"),
    "bound to a key": ({"cnf": {"jkt": "x"}}, r"bound to a key.*\(cnf\)"),
    "without a subject": ({"sub": None}, "names nobody"),
    "a subject of another shape": ({"sub": {"id": "ada"}}, "names nobody"),
    "without a session": ({"sid": None}, r"no session of a person \(sid\)"),
}


@pytest.mark.parametrize(("claims", "why"), ACCESS.values(), ids=ACCESS.keys())
def test_an_access_token_that_says_something_else_is_refused(
    provider: OidcProvider, rp: RelyingParty, claims: dict[str, Any], why: str
) -> None:
    with pytest.raises(NotAuthenticated, match=why):
        rp.sign_on.verifier.access_token(provider.access_token(**claims))


@pytest.mark.parametrize("kind", ["logout+jwt", "dpop+jwt", "secevent+jwt", "jose", "JWE"])
def test_the_headers_kind_counts_too(provider: OidcProvider, rp: RelyingParty, kind: str) -> None:
    with pytest.raises(NotAuthenticated, match="is no access token"):
        rp.sign_on.verifier.access_token(provider.access_token(header={"typ": kind}))


@pytest.mark.parametrize("kind", ["JWT", "jwt", "at+jwt", "application/at+jwt", None])
def test_an_access_tokens_own_kinds_are_accepted(provider: OidcProvider, rp: RelyingParty, kind: str | None) -> None:
    assert rp.sign_on.verifier.access_token(provider.access_token(header={"typ": kind})).person


def test_small_differences_of_clocks_are_none(provider: OidcProvider, rp: RelyingParty) -> None:
    for claims in ({"iat": int(time.time()) + 20}, {"exp": int(time.time()) - 5}, {"nbf": int(time.time()) + 20}):
        assert rp.sign_on.verifier.access_token(provider.access_token(**claims)).person


def test_no_kind_of_token_is_taken_for_another(provider: OidcProvider, rp: RelyingParty) -> None:
    tokens = rp.sign_in().tokens
    for token in (tokens.id_token, provider.logout_token()):
        with pytest.raises(NotAuthenticated, match="is no access token"):
            rp.sign_on.verifier.access_token(token)
    for token in (tokens.id_token, tokens.access_token):
        with pytest.raises(NotAuthenticated, match="is no logout token"):
            rp.sign_on.verifier.logout_token(token)
    for token in (tokens.access_token, provider.logout_token()):
        provider.token_answer["id_token"] = token
        with pytest.raises(NotAuthenticated, match="is no ID token"):
            rp.sign_in()


@pytest.mark.parametrize(
    "claims", [{}, {"sid": "s-1"}, {"preferred_username": "ada", "clientHost": "127.0.0.1"}, {"sub": CLIENT}]
)
def test_a_clients_own_token_names_no_person(provider: OidcProvider, rp: RelyingParty, claims: dict[str, Any]) -> None:
    token = rp.sign_on.verifier.access_token(provider.service_account_token(**claims))
    assert (token.person, token.client) == (None, CLIENT)


LOGOUT: dict[str, tuple[dict[str, Any], str]] = {
    "another issuer": ({"iss": "https://evil.example"}, r"another issuer \(iss\)"),
    "another audience": ({"aud": "slipway-cli"}, r"somebody else \(aud\)"),
    "without audience": ({"aud": None}, r"somebody else \(aud\)"),
    "with a nonce": ({"nonce": "n"}, r"no logout token \(nonce\)"),
    "without events": ({"events": None}, r"no logout token \(events\)"),
    "another event": ({"events": {"http://schemas.openid.net/event/other": {}}}, r"no logout token \(events\)"),
    "an event without an object": (
        {"events": {"http://schemas.openid.net/event/backchannel-logout": True}},
        r"no logout token \(events\)",
    ),
    "events as a list": ({"events": ["http://schemas.openid.net/event/backchannel-logout"]}, r"\(events\)"),
    "neither sub nor sid": ({"sub": None, "sid": None}, r"names nobody \(sub, sid\)"),
    "a sid of another shape": ({"sid": ["s"]}, "has no valid sid"),
    "without jti": ({"jti": None}, r"no id of its own \(jti\)"),
    "an empty jti": ({"jti": ""}, r"no id of its own \(jti\)"),
    "a jti without end": ({"jti": "j" * 300}, "has no valid jti"),
    "issued long ago": ({"iat": NOW - 3600}, r"issued too long ago \(iat\)"),
    "issued in the future": ({"iat": NOW + 3600}, r"in the future \(iat\)"),
    "without iat": ({"iat": None}, "no valid time iat"),
    "expired": ({"exp": NOW - 3600}, r"has expired \(exp\)"),
    "an access token's kind": ({"typ": "Bearer"}, "is no logout token"),
}


@pytest.mark.parametrize(("claims", "why"), LOGOUT.values(), ids=LOGOUT.keys())
def test_a_logout_token_that_says_something_else_is_refused(
    provider: OidcProvider, rp: RelyingParty, claims: dict[str, Any], why: str
) -> None:
    with pytest.raises(NotAuthenticated, match=why):
        rp.sign_on.verifier.logout_token(provider.logout_token(**claims))


def test_a_logout_token_says_whose_sessions_end_and_until_when_it_could_come_again(
    provider: OidcProvider, rp: RelyingParty
) -> None:
    read = rp.sign_on.verifier.logout_token(provider.logout_token(jti="j-1"))
    assert (read.sub, read.sid, read.jti) == ("sub-of-ada", "sid-of-ada", "j-1")
    assert read.replay_until > time.time() + 120
    whole = rp.sign_on.verifier.logout_token(provider.logout_token(sid=None, exp=None))
    assert (whole.sub, whole.sid) == ("sub-of-ada", "")
    assert rp.sign_on.verifier.logout_token(provider.logout_token(sub=None)).sid == "sid-of-ada"


ID: dict[str, tuple[dict[str, Any], str]] = {
    "another nonce": ({"nonce": "another"}, r"another login \(nonce\)"),
    "without nonce": ({"nonce": None}, r"another login \(nonce\)"),
    "nonce of another shape": ({"nonce": ["n"]}, r"another login \(nonce\)"),
    "another issuer": ({"iss": "https://evil.example"}, r"another issuer \(iss\)"),
    "another audience": ({"aud": "slipway-cli"}, r"somebody else \(aud\)"),
    "the API's audience": ({"aud": "slipway-api"}, r"somebody else \(aud\)"),
    "one more audience": ({"aud": [CLIENT, "evil"]}, r"somebody else \(aud\)"),
    "without audience": ({"aud": None}, r"somebody else \(aud\)"),
    "another azp": ({"azp": "slipway-cli"}, r"given to somebody else \(azp\)"),
    "expired": ({"exp": NOW - 3600}, r"has expired \(exp\)"),
    "without exp": ({"exp": None}, "no valid time exp"),
    "issued in the future": ({"iat": NOW + 3600}, r"in the future \(iat\)"),
    "issued long ago": ({"iat": NOW - 3600}, r"too long ago \(iat\)"),
    "without iat": ({"iat": None}, "no valid time iat"),
    "without a subject": ({"sub": None}, "names nobody"),
    "of another access token": ({"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}, r"another access token \(at_hash\)"),
    "at_hash of another shape": ({"at_hash": 1}, r"another access token \(at_hash\)"),
    "an access token's kind": ({"typ": "Bearer"}, "is no ID token"),
    "a logout token's events": ({"events": {}}, "is no ID token"),
}


@pytest.mark.parametrize(("claims", "why"), ID.values(), ids=ID.keys())
def test_an_id_token_that_says_something_else_signs_nobody_in(
    provider: OidcProvider, rp: RelyingParty, claims: dict[str, Any], why: str
) -> None:
    provider.id_claims |= claims
    with pytest.raises(NotAuthenticated, match=why):
        rp.sign_in()


def test_at_hash_may_be_missing(provider: OidcProvider, rp: RelyingParty) -> None:
    provider.id_claims["at_hash"] = None
    assert rp.sign_in().person.login == "ada"
