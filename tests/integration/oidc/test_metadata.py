"""What a provider publishes of itself, and may not."""

from __future__ import annotations

from typing import Any

import pytest

from slipway.adapters.oidc.connecting import sign_on
from slipway.adapters.oidc.provider import Address
from slipway.errors import DependencyUnavailable, NotAuthenticated
from tests.fixtures.identity.oidc_provider import CLIENT, SECRET, OidcProvider
from tests.fixtures.identity.oidc_tokens import ec_key
from tests.integration.oidc.conftest import RelyingParty

BAD_METADATA: dict[str, tuple[dict[str, Any], str]] = {
    "another issuer": ({"issuer": "https://evil.example"}, "not the issuer"),
    "the issuer with a slash behind": ({"issuer": "SLASH"}, "not the issuer"),
    "no issuer": ({"issuer": None}, "not the issuer"),
    "no PKCE": ({"code_challenge_methods_supported": None}, "PKCE with S256"),
    "plain PKCE alone": ({"code_challenge_methods_supported": ["plain"]}, "PKCE with S256"),
    "PKCE as a text": ({"code_challenge_methods_supported": "S256"}, "PKCE with S256"),
    "HS256 and none alone": ({"id_token_signing_alg_values_supported": ["HS256", "none"]}, "no algorithm"),
    "no algorithms": ({"id_token_signing_alg_values_supported": None}, "no algorithm"),
    "no code flow": ({"response_types_supported": ["id_token"]}, "no authorization code flow"),
    "no token endpoint": ({"token_endpoint": None}, "token_endpoint is no https URL"),
    "a token endpoint without TLS": ({"token_endpoint": "http://id.example/token"}, "token_endpoint is no https URL"),
    "keys at a name that a resolver may be asked for": (
        {"jwks_uri": "http://id.localhost:8080/certs"},
        "jwks_uri is no https URL",
    ),
    "keys without TLS": ({"jwks_uri": "http://id.example/certs"}, "jwks_uri is no https URL"),
    "keys in a file": ({"jwks_uri": "file:///etc/passwd"}, "jwks_uri is no https URL"),
    "a script": ({"authorization_endpoint": "javascript:alert(1)"}, "authorization_endpoint is no https URL"),
    "a device endpoint without TLS": ({"device_authorization_endpoint": "http://id.example/"}, "device_authorization_"),
    "a page to sign out without TLS": ({"end_session_endpoint": "http://id.example/"}, "end_session_endpoint is no"),
    "a password in a URL": ({"token_endpoint": "https://a:b@id.example/"}, "token_endpoint is no https URL"),
    "a fragment": ({"authorization_endpoint": "https://id.example/#x"}, "authorization_endpoint is no https URL"),
    "a line break": ({"authorization_endpoint": "https://id.example/\r\nX: y"}, "authorization_endpoint is no https"),
    "a port that is none": ({"token_endpoint": "https://id.example:port/"}, "token_endpoint is no https URL"),
    "an endpoint of another shape": ({"token_endpoint": ["https://id.example/"]}, "token_endpoint is no https URL"),
}


@pytest.mark.parametrize(("members", "why"), BAD_METADATA.values(), ids=BAD_METADATA.keys())
def test_metadata_that_can_not_be_relied_on_sign_nobody_in(
    provider: OidcProvider, rp: RelyingParty, members: dict[str, Any], why: str
) -> None:
    provider.metadata |= {name: f"{provider.issuer}/" if value == "SLASH" else value for name, value in members.items()}
    with pytest.raises(DependencyUnavailable, match=why):
        rp.sign_on.flow.authorization_url("state-1", rp.sign_on.flow.new_secrets(), "http://slipway.localhost/cb")
    with pytest.raises(DependencyUnavailable):
        rp.sign_on.verifier.access_token(provider.access_token())


def test_pages_for_browsers_may_be_at_a_name_below_localhost(provider: OidcProvider, rp: RelyingParty) -> None:
    pages = ("authorization_endpoint", "end_session_endpoint")
    provider.metadata |= {name: f"http://id.localhost:8080/{name}" for name in pages}
    url = rp.sign_on.flow.authorization_url("state-1", rp.sign_on.flow.new_secrets(), "http://slipway.localhost/cb")
    assert url.startswith("http://id.localhost:8080/authorization_endpoint?")


def test_a_command_line_reaches_the_endpoints_where_browsers_reach_the_provider(provider: OidcProvider) -> None:
    outside = "https://id.example.org/realms/slipway"
    provider.metadata["issuer"] = outside
    signing_in = sign_on(Address(outside, provider.issuer), CLIENT, SECRET)
    found = signing_in.device_sign_in()
    signing_in.close()
    assert (found.issuer, found.client) == (outside, "slipway-cli")
    assert found.device_authorization_endpoint == f"{outside}/protocol/openid-connect/auth/device"
    assert found.token_endpoint == f"{outside}/protocol/openid-connect/token"
    assert found.revocation_endpoint == f"{outside}/protocol/openid-connect/revoke"


def test_hs256_that_a_provider_offers_is_not_taken_up(provider: OidcProvider, rp: RelyingParty) -> None:
    provider.metadata["id_token_signing_alg_values_supported"] = ["HS256", "none", "RS256"]
    assert rp.sign_in().person.login == "ada"
    provider.key = ec_key()
    provider.published.append(provider.key)
    with pytest.raises(NotAuthenticated, match="algorithm that is not accepted"):
        rp.sign_in()
