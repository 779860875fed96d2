"""The OpenID Foundation's tests of relying parties (conformance suite: the plans basic, config and dynamic, and the
parts of the others that concern the code flow), by their own names.

Each item is one of three: it passes, Slipway refuses what the item bends, or it does not apply, with the reason.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from slipway.adapters.oidc.cached_document import INTERVAL_S
from slipway.errors import DependencyUnavailable, NotAuthenticated
from tests.fixtures.identity.oidc_provider import Answer, OidcProvider
from tests.fixtures.identity.oidc_tokens import ec_key, rsa_key, signed, signed_with_the_public_key, unsigned
from tests.fixtures.identity.sign_in import claims as claims_of
from tests.integration.oidc.conftest import RelyingParty

PREFIX = "oidcc-client-test"
Bend = Callable[[OidcProvider], None]


def _ids(**claims: Any) -> Bend:
    return lambda provider: provider.id_claims.update(claims)


def _nothing(_provider: OidcProvider) -> None:
    """The provider does what it should."""


def _without_kids(*keys: Callable[[], Any]) -> Bend:
    """The provider publishes keys without a `kid`, and signs with the first."""

    def bend(provider: OidcProvider) -> None:
        provider.key = keys[0]()
        provider.id_header["kid"] = None
        published = [key().as_dict(private=False) for key in keys]
        for key in published:
            key.pop("kid")
        provider.answers["certs"] = Answer.json({"keys": published})

    return bend


def _with_odd_keys(provider: OidcProvider) -> None:
    odd = [{"kty": "AKP", "alg": "ML-DSA-0", "pub": "AA", "kid": "a"}, {"kty": "made-up", "kid": "b"}]
    provider.answers["certs"] = Answer.json({"keys": [*odd, provider.key.as_dict(private=False)]})


def _signed_anew(sign: Callable[[OidcProvider, dict[str, Any]], str]) -> Bend:
    """The token endpoint's ID token gets another signature."""

    def bend(provider: OidcProvider) -> None:
        usual = provider.id_token

        def bent(login: str = "ada", header: Any = None, **claims: Any) -> str:
            return sign(provider, claims_of(usual(login, header, **claims)))

        provider.id_token = bent  # type: ignore[method-assign]

    return bend


def _signed_by_another_ec_key(provider: OidcProvider, claims: dict[str, Any]) -> str:
    provider.published.append(ec_key())
    return signed(claims, ec_key("ec-evil"), {"kid": "ec-1"})


PASSED: dict[str, Bend] = {
    "": _nothing,
    "-idtoken-sig-rs256": _nothing,
    "-client-secret-basic": _nothing,
    "-kid-absent-single-jwks": _without_kids(rsa_key),
    "-discovery-openid-config": _nothing,
    "-discovery-jwks-uri-keys": _nothing,
    "-ignores-unparseable-key-in-jwks": _with_odd_keys,
}
REFUSED: dict[str, tuple[Bend, str]] = {
    "-invalid-iss": (_ids(iss="https://other.example"), r"another issuer \(iss\)"),
    "-missing-sub": (_ids(sub=None), "names nobody"),
    "-missing-aud": (_ids(aud=None), r"somebody else \(aud\)"),
    "-invalid-aud": (_ids(aud="invalid"), r"somebody else \(aud\)"),
    "-missing-iat": (_ids(iat=None), "no valid time iat"),
    "-nonce-invalid": (_ids(nonce="invalid"), r"another login \(nonce\)"),
    "-invalid-athash": (_ids(at_hash="invalid"), r"another access token \(at_hash\)"),
    "-idtoken-sig-none": (_signed_anew(lambda _p, claims: unsigned(claims)), "three parts"),
    "-invalid-sig-rs256": (
        _signed_anew(lambda _p, claims: signed(claims, rsa_key("rsa-evil"), {"kid": "rsa-1"})),
        "signature is not valid",
    ),
    "-invalid-sig-hs256": (
        _signed_anew(lambda _p, claims: signed_with_the_public_key(claims, rsa_key())),
        "algorithm that is not accepted",
    ),
    "-invalid-sig-es256": (
        _signed_anew(_signed_by_another_ec_key),
        "signature is not valid",
    ),
    "-kid-absent-multiple-jwks": (_without_kids(rsa_key, lambda: rsa_key("rsa-2")), "does not have"),
}
REASONS = {
    "-userinfo-invalid-sub": "the UserInfo endpoint is not asked: ID and access token say everything that is needed",
    "-scope-userinfo-claims": "the UserInfo endpoint is not asked",
    "-userinfo-bearer-header": "the UserInfo endpoint is not asked",
    "-userinfo-bearer-body": "the UserInfo endpoint is not asked",
    "-userinfo-signed": "the UserInfo endpoint is not asked",
    "-aggregated-claims": "claims of other providers are not read",
    "-distributed-claims": "claims of other providers are not read",
    "-discovery-webfinger-acct": "the provider is set by the host's owner, not found by a person's address",
    "-discovery-webfinger-url": "the provider is set by the host's owner, not found by a person's address",
    "-dynamic-registration": "the client is made by slipway identity sync, or by the provider's owner",
    "-request-uri-signed-rs256": "request objects are not used: the request carries nothing but public values",
    "-request-uri-signed-none": "request objects are not used",
    "-nonce-unless-code-flow": "the code flow is the only one, and always has a nonce",
    "-missing-athash": "of flows with a token in the front channel; in the code flow at_hash may be missing",
    "-missing-chash": "of flows with a token in the front channel",
    "-invalid-chash": "of flows with a token in the front channel",
    "-form-post-error": "the response comes in the query",
    "-mtls-endpoint-aliases": "the client authenticates with its secret",
}


@pytest.mark.parametrize("bend", PASSED.values(), ids=[f"{PREFIX}{name}" for name in PASSED])
def test_passed(provider: OidcProvider, rp: RelyingParty, bend: Bend) -> None:
    bend(provider)
    signed_in = rp.sign_in()
    assert signed_in.person.sub == "sub-of-ada"
    assert "openid" in provider.last("auth").parameters["scope"].split()
    assert provider.last("token").authorization.startswith("Basic ")
    assert [each.endpoint for each in provider.asked] == ["configuration", "auth", "token", "certs"]


@pytest.mark.parametrize(("bend", "why"), REFUSED.values(), ids=[f"{PREFIX}{name}" for name in REFUSED])
def test_refused(provider: OidcProvider, rp: RelyingParty, bend: Bend, why: str) -> None:
    bend(provider)
    with pytest.raises(NotAuthenticated, match=why):
        rp.sign_in()


@pytest.mark.parametrize("name", REASONS, ids=[f"{PREFIX}{name}" for name in REASONS])
def test_does_not_apply(provider: OidcProvider, rp: RelyingParty, name: str) -> None:
    """What the item is about is not in the requests."""
    rp.sign_in()
    assert REASONS[name]
    sent = provider.last("auth").parameters
    assert {"nonce", "state", "code_challenge"} < sent.keys()
    assert not {"request", "request_uri", "response_mode", "claims", "registration"} & sent.keys()
    assert {each.endpoint for each in provider.asked} == {"configuration", "auth", "token", "certs"}


def test_oidcc_client_test_discovery_issuer_mismatch(provider: OidcProvider, rp: RelyingParty) -> None:
    provider.metadata["issuer"] = f"{provider.issuer}/other"
    with pytest.raises(DependencyUnavailable, match="not the issuer"):
        rp.sign_in()
    assert [each.endpoint for each in provider.asked] == ["configuration"]


def test_oidcc_client_test_signing_key_rotation_just_before_signing(provider: OidcProvider, rp: RelyingParty) -> None:
    rp.sign_on.verifier.access_token(provider.access_token())
    rp.clock.advance(INTERVAL_S + 1)
    provider.key = rsa_key("rsa-2")
    provider.published = [provider.key]
    assert rp.sign_in().person.login == "ada"
    assert provider.count("certs") == 2


def test_oidcc_client_test_signing_key_rotation(provider: OidcProvider, rp: RelyingParty) -> None:
    assert rp.sign_in().person.login == "ada"
    provider.key = rsa_key("rsa-2")
    provider.published = [rsa_key(), provider.key]
    rp.clock.advance(INTERVAL_S + 1)
    assert rp.sign_in().person.login == "ada"
    assert provider.count("certs") == 2


def test_oidcc_client_test_refresh_token(rp: RelyingParty) -> None:
    before = rp.sign_in()
    assert rp.sign_on.flow.refresh(before.tokens.refresh_token, before.person.sub).person == before.person


@pytest.mark.parametrize(
    ("claims", "why"),
    [({"iss": "https://other.example"}, r"another issuer \(iss\)"), ({"sub": "invalid"}, "another person")],
    ids=["oidcc-client-test-refresh-token-invalid-issuer", "oidcc-client-test-refresh-token-invalid-sub"],
)
def test_refused_after_a_refresh(provider: OidcProvider, rp: RelyingParty, claims: dict[str, Any], why: str) -> None:
    before = rp.sign_in()
    provider.id_claims |= claims
    with pytest.raises(NotAuthenticated, match=why):
        rp.sign_on.flow.refresh(before.tokens.refresh_token, before.person.sub)


@pytest.mark.parametrize(
    "state", ["state-1", ""], ids=[f"{PREFIX}-rp-init-logout", f"{PREFIX}-rp-init-logout-no-state"]
)
def test_signing_out_at_the_provider(provider: OidcProvider, rp: RelyingParty, state: str) -> None:
    url = rp.sign_on.flow.sign_out_url(rp.sign_in().tokens.id_token, "http://slipway.localhost/", state)
    rp.browser.get(url)
    sent = provider.last("logout").parameters
    assert (sent.get("state", ""), bool(sent["id_token_hint"])) == (state, True)


def test_oidcc_client_test_rp_backchannel_rpinitlogout(provider: OidcProvider, rp: RelyingParty) -> None:
    assert rp.sign_on.verifier.logout_token(provider.logout_token()).sid == "sid-of-ada"


BACKCHANNEL: dict[str, tuple[Callable[[OidcProvider], str], str]] = {
    "-alg-none": (lambda p: unsigned({"iss": p.issuer}), "three parts"),
    "-no-event": (lambda p: p.logout_token(events=None), r"\(events\)"),
    "-wrong-event": (lambda p: p.logout_token(events={"http://example.org/": {}}), r"\(events\)"),
    "-with-nonce": (lambda p: p.logout_token(nonce="n"), r"\(nonce\)"),
    "-wrong-alg": (lambda p: p.logout_token(header={"alg": "HS256"}), "algorithm that is not accepted"),
    "-wrong-aud": (lambda p: p.logout_token(aud="wrong"), r"\(aud\)"),
    "-wrong-iss": (lambda p: p.logout_token(iss="https://wrong.example"), r"\(iss\)"),
}


@pytest.mark.parametrize(
    ("token", "why"), BACKCHANNEL.values(), ids=[f"{PREFIX}-rp-backchannel-rpinitlogout{name}" for name in BACKCHANNEL]
)
def test_refused_as_a_logout_token(
    provider: OidcProvider, rp: RelyingParty, token: Callable[[OidcProvider], str], why: str
) -> None:
    with pytest.raises(NotAuthenticated, match=why):
        rp.sign_on.verifier.logout_token(token(provider))
