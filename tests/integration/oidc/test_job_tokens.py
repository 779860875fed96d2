"""A CI job's token, as far as its issuer's signature goes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from slipway.adapters.oidc.jobs import verifying
from slipway.adapters.oidc.jobs.issuer_http import IssuerHttp
from slipway.adapters.oidc.jobs.verifying import OidcJobTokens
from slipway.errors import DependencyUnavailable, NotAuthenticated
from tests.fixtures.identity.ci_jobs import PUBLIC_URL, github_claims
from tests.fixtures.identity.oidc_provider import OidcProvider, running_provider
from tests.fixtures.identity.oidc_tokens import ec_key, signed


@pytest.fixture
def other() -> Iterator[OidcProvider]:
    with running_provider("other") as running:
        yield running


@pytest.fixture
def jobs(provider: OidcProvider, other: OidcProvider) -> OidcJobTokens:
    return OidcJobTokens(IssuerHttp((f"127.0.0.1:{provider.port}", f"127.0.0.1:{other.port}"), {}))


def test_an_issuer_that_signs_nobody_in_is_one(jobs: OidcJobTokens, provider: OidcProvider) -> None:
    """As GitHub's and GitLab's documents are: without most of what a sign-in needs."""
    endpoints = ("authorization_endpoint", "token_endpoint", "code_challenge_methods_supported", "end_session_endpoint")
    provider.metadata = {**dict.fromkeys(endpoints), "response_types_supported": ["id_token"]}
    token = signed(github_claims(provider.issuer), provider.key)
    assert jobs.claimed_issuer(token) == provider.issuer
    assert jobs.verify(token, provider.issuer).claims["repository"] == "octo/shop"


def test_a_key_of_an_elliptic_curve(jobs: OidcJobTokens, provider: OidcProvider) -> None:
    provider.key = ec_key()
    provider.published = [provider.key]
    assert jobs.verify(signed(github_claims(provider.issuer), provider.key), provider.issuer)


def test_a_token_that_names_another_issuer_than_the_one_that_signed_it(
    jobs: OidcJobTokens, provider: OidcProvider, other: OidcProvider
) -> None:
    """Both have the same key here."""
    token = signed(github_claims(other.issuer), provider.key)
    with pytest.raises(NotAuthenticated):
        jobs.verify(token, provider.issuer)


def test_an_issuer_that_publishes_another_ones_name(jobs: OidcJobTokens, provider: OidcProvider) -> None:
    provider.metadata = {"issuer": f"{provider.issuer}/"}
    with pytest.raises(DependencyUnavailable, match="it is not the issuer"):
        jobs.verify(signed(github_claims(provider.issuer), provider.key), provider.issuer)


def test_tokens_differ_by_issuer_and_id(jobs: OidcJobTokens, provider: OidcProvider, other: OidcProvider) -> None:
    def digest(issuer: OidcProvider, **claims: str | None) -> str:
        return jobs.verify(signed(github_claims(issuer.issuer, **claims), issuer.key), issuer.issuer).digest

    assert digest(provider, jti="1") == digest(provider, jti="1", sha="b" * 40)
    assert len({digest(provider, jti="1"), digest(provider, jti="2"), digest(other, jti="1")}) == 3
    assert digest(provider, jti=None, run_id="1") != digest(provider, jti=None, run_id="2")


def test_the_same_token_with_another_signature_is_the_same(jobs: OidcJobTokens, provider: OidcProvider) -> None:
    """Signatures of elliptic curves differ each time."""
    provider.key = ec_key()
    provider.published = [provider.key]
    claims = github_claims(provider.issuer, jti=None)
    first, second = signed(claims, provider.key), signed(claims, provider.key)
    assert first != second
    assert jobs.verify(first, provider.issuer).digest == jobs.verify(second, provider.issuer).digest


def test_a_token_that_has_ended_is_kept_in_mind_until_it_could_not_be_used_anyway(
    jobs: OidcJobTokens, provider: OidcProvider
) -> None:
    claims = github_claims(provider.issuer)
    until = jobs.check_use(jobs.verify(signed(claims, provider.key), provider.issuer), PUBLIC_URL)
    assert until >= claims["exp"]
    for_years = {**claims, "exp": claims["iat"] + 10 * 366 * 86400}
    until = jobs.check_use(jobs.verify(signed(for_years, provider.key), provider.issuer), PUBLIC_URL)
    assert claims["iat"] + 86400 <= until < claims["iat"] + 2 * 86400


def test_the_keys_of_a_bounded_number_of_issuers_are_kept(
    jobs: OidcJobTokens, provider: OidcProvider, other: OidcProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verifying, "MOST_ISSUERS", 1)
    for issuer in (provider, provider, other, provider):
        jobs.verify(signed(github_claims(issuer.issuer), issuer.key), issuer.issuer)
    assert (provider.count("certs"), other.count("certs")) == (2, 1)
