"""What is fetched from issuers of CI jobs' tokens, and what is not."""

from __future__ import annotations

from tests.fixtures.identity.ci_jobs import UNACCEPTED, Jobs, github_claims, other_key
from tests.fixtures.identity.oidc_provider import OidcProvider, running_provider
from tests.fixtures.identity.oidc_server import Answer
from tests.fixtures.identity.oidc_tokens import signed


def test_another_issuer_with_a_key_of_the_same_id(bent: Jobs) -> None:
    with running_provider() as other:
        other.key = other_key()
        other.published = [other.key]
        forged = github_claims(bent.issuer.issuer)
        assert bent.refusal(signed(forged, other.key)) == UNACCEPTED
        assert bent.refusal(signed({**forged, "iss": other.issuer}, other.key)) == UNACCEPTED
        assert other.asked == [], "nobody registered that issuer, so nothing is fetched from it"


def test_an_issuer_is_asked_only_for_an_app_that_trusts_it(bent: Jobs, issuer: OidcProvider) -> None:
    bent.owner.create_app("other", repository="https://github.example/octo/other.git")
    for app in ("other", "nothing"):
        assert bent.refusal(bent.token(), bent.audience(app))
    assert issuer.asked == []


def test_a_flood_of_keys_that_nobody_has_asks_the_issuer_a_bounded_number_of_times(
    bent: Jobs, issuer: OidcProvider
) -> None:
    bent.job()
    for number in range(30):
        bent.refusal(bent.token({"kid": f"key-{number}"}))
    assert issuer.count("configuration") == 1
    assert issuer.count("certs") <= 2


def test_an_issuer_that_does_not_answer_is_no_refusal(bent: Jobs, issuer: OidcProvider) -> None:
    issuer.stop()
    answer = bent.ask(bent.token())
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]


def test_an_issuer_that_publishes_another_ones_keys_is_not_followed_inside(bent: Jobs, issuer: OidcProvider) -> None:
    with running_provider() as inside:
        issuer.metadata["jwks_uri"] = f"{inside.issuer}/protocol/openid-connect/certs"
        assert bent.ask(bent.token()).status_code == 503
        assert inside.asked == []


def test_an_issuer_that_redirects_is_not_followed(bent: Jobs, issuer: OidcProvider) -> None:
    with running_provider() as inside:
        issuer.answers["certs"] = Answer.redirect(f"{inside.issuer}/protocol/openid-connect/certs")
        assert bent.ask(bent.token()).status_code == 503
        assert inside.asked == []
