"""The code flow with a provider that does what it should, and with one that does not."""

from __future__ import annotations

import base64
import hashlib
from urllib.parse import parse_qs, urlsplit

import pytest

from slipway.core.access.roles import Role
from slipway.core.identity.authorization_response import parse
from slipway.core.identity.claims import memberships
from slipway.errors import DependencyUnavailable, IdentityRefused, NotAuthenticated, SlipwayError
from slipway.ports.sign_on import LoginSecrets
from tests.fixtures.identity.oidc_provider import Answer, OidcProvider
from tests.fixtures.identity.oidc_server import ELSEWHERE
from tests.integration.oidc.conftest import CALLBACK, Connect, RelyingParty


def test_a_person_signs_in(provider: OidcProvider, rp: RelyingParty) -> None:
    signed_in = rp.sign_in()
    assert (signed_in.person.login, signed_in.person.verified_email) == ("ada", "ada@example.org")
    assert memberships(signed_in.person.groups) == {"acme": Role.OWNER}
    assert signed_in.person.sid.startswith("sid-of-ada")
    assert signed_in.auth_time > 0
    assert rp.sign_on.verifier.access_token(signed_in.tokens.access_token).person == signed_in.person
    assert [each.endpoint for each in provider.asked] == ["configuration", "auth", "token", "certs"]


def test_the_browser_gets_a_challenge_and_never_the_verifier(provider: OidcProvider, rp: RelyingParty) -> None:
    secrets = rp.sign_on.flow.new_secrets()
    url = rp.sign_on.flow.authorization_url("state-1", secrets, CALLBACK, prompt="login")
    challenge = base64.urlsafe_b64encode(hashlib.sha256(secrets.verifier.encode()).digest()).rstrip(b"=").decode()
    assert parse_qs(urlsplit(url).query) == {
        "response_type": ["code"],
        "client_id": ["slipway-router"],
        "redirect_uri": [CALLBACK],
        "scope": ["openid"],
        "state": ["state-1"],
        "nonce": [secrets.nonce],
        "code_challenge": [challenge],
        "code_challenge_method": ["S256"],
        "prompt": ["login"],
    }
    assert secrets.verifier not in url
    rp.sign_in()
    assert provider.last("token").parameters["code_verifier"] not in provider.last("auth").parameters.values()


def test_each_login_has_secrets_of_its_own(rp: RelyingParty) -> None:
    made = [rp.sign_on.flow.new_secrets() for _ in range(20)]
    assert len({text for each in made for text in (each.nonce, each.verifier)}) == 40
    assert all(43 <= len(each.verifier) <= 128 for each in made)


def test_a_code_is_good_once(rp: RelyingParty) -> None:
    secrets = rp.sign_on.flow.new_secrets()
    answer = rp.answer_to(secrets)
    rp.sign_on.flow.finish(answer, secrets, CALLBACK)
    with pytest.raises(NotAuthenticated, match="was used already"):
        rp.sign_on.flow.finish(answer, secrets, CALLBACK)


def test_a_code_is_of_no_use_with_the_secrets_of_another_login(rp: RelyingParty) -> None:
    mine, other = rp.sign_on.flow.new_secrets(), rp.sign_on.flow.new_secrets()
    with pytest.raises(NotAuthenticated):
        rp.sign_on.flow.finish(rp.answer_to(other), mine, CALLBACK)


def test_a_code_that_was_put_into_another_login_is_known_by_its_nonce(rp: RelyingParty) -> None:
    """Somebody who got hold of the verifier, too."""
    mine, other = rp.sign_on.flow.new_secrets(), rp.sign_on.flow.new_secrets()
    with pytest.raises(NotAuthenticated, match="of another login"):
        rp.sign_on.flow.finish(rp.answer_to(other), LoginSecrets(mine.nonce, other.verifier), CALLBACK)


@pytest.mark.parametrize("said", ["https://evil.example/realms/slipway", "", None])
def test_an_answer_of_another_provider_is_refused(provider: OidcProvider, rp: RelyingParty, said: str | None) -> None:
    """Mix-up: the browser comes back with a code that another provider gave."""
    provider.response["iss"] = said
    with pytest.raises(NotAuthenticated, match="another identity provider"):
        rp.sign_in()
    assert provider.count("token") == 0


def test_a_provider_that_does_not_name_itself_may_leave_it_out(provider: OidcProvider, rp: RelyingParty) -> None:
    provider.metadata["authorization_response_iss_parameter_supported"] = None
    provider.response["iss"] = None
    assert rp.sign_in().person.login == "ada"


def test_but_what_it_says_has_to_be_right(provider: OidcProvider, rp: RelyingParty) -> None:
    provider.metadata["authorization_response_iss_parameter_supported"] = None
    provider.response["iss"] = f"{provider.issuer}/"
    with pytest.raises(NotAuthenticated, match="another identity provider"):
        rp.sign_in()


@pytest.mark.parametrize(
    ("error", "kind", "sentence"),
    [
        ("access_denied", NotAuthenticated, "The sign-in was cancelled."),
        ("login_required", NotAuthenticated, "Nobody is signed in at the identity provider."),
        ("temporarily_unavailable", DependencyUnavailable, "The identity provider can't sign anybody in now."),
        ("unknown_thing", NotAuthenticated, "The identity provider refused the sign-in: unknown_thing."),
        (
            "<script>alert(1)</script>",
            NotAuthenticated,
            "The identity provider refused the sign-in: for a reason of its own.",
        ),
    ],
)
def test_a_refusal_is_said_in_slipways_words(
    provider: OidcProvider, rp: RelyingParty, error: str, kind: type[SlipwayError], sentence: str
) -> None:
    provider.response |= {"code": None, "error": error, "error_description": "not to be shown"}
    with pytest.raises(kind) as raised:
        rp.sign_in()
    assert raised.value.message == sentence
    assert provider.count("token") == 0


def test_a_refusal_of_another_provider_is_none(provider: OidcProvider, rp: RelyingParty) -> None:
    provider.response |= {"code": None, "error": "access_denied", "iss": "https://evil.example"}
    with pytest.raises(NotAuthenticated, match="another identity provider"):
        rp.sign_in()


def test_tokens_are_refreshed_and_what_changed_is_known(provider: OidcProvider, rp: RelyingParty) -> None:
    before = rp.sign_in()
    provider.add_person("ada", groups=["/tenants/acme/viewer"])
    after = rp.sign_on.flow.refresh(before.tokens.refresh_token, before.person.sub)
    assert memberships(after.person.groups) == {"acme": Role.VIEWER}
    assert after.person.sid == before.person.sid
    assert after.tokens.refresh_token != before.tokens.refresh_token


def test_a_refresh_token_is_good_once(rp: RelyingParty) -> None:
    before = rp.sign_in()
    rp.sign_on.flow.refresh(before.tokens.refresh_token, before.person.sub)
    with pytest.raises(NotAuthenticated, match="has ended"):
        rp.sign_on.flow.refresh(before.tokens.refresh_token, before.person.sub)


def test_a_disabled_person_is_refreshed_no_more(provider: OidcProvider, rp: RelyingParty) -> None:
    before = rp.sign_in()
    provider.disabled.add("ada")
    with pytest.raises(NotAuthenticated, match="has ended"):
        rp.sign_on.flow.refresh(before.tokens.refresh_token, before.person.sub)


def test_a_refresh_that_names_somebody_else_is_refused(provider: OidcProvider, rp: RelyingParty) -> None:
    before = rp.sign_in()
    provider.id_claims["sub"] = "sub-of-eve"
    with pytest.raises(NotAuthenticated, match="another person"):
        rp.sign_on.flow.refresh(before.tokens.refresh_token, before.person.sub)


def test_a_provider_that_is_down_ends_nobodys_session(provider: OidcProvider, rp: RelyingParty) -> None:
    """A refresh that could not be asked for is no refusal."""
    before = rp.sign_in()
    provider.stop()
    with pytest.raises(DependencyUnavailable, match="does not answer"):
        rp.sign_on.flow.refresh(before.tokens.refresh_token, before.person.sub)
    assert rp.sign_on.verifier.access_token(before.tokens.access_token).person == before.person
    provider.start()
    assert rp.sign_on.flow.refresh(before.tokens.refresh_token, before.person.sub).person == before.person


def test_a_wrong_client_secret_is_an_error_of_the_set_up(provider: OidcProvider, rp: RelyingParty) -> None:
    provider.clients["slipway-router"] = "another"
    with pytest.raises(IdentityRefused, match="does not accept Slipway's client") as raised:
        rp.sign_in()
    assert "keycloak-router.secret" in raised.value.remedy


def test_a_secret_of_any_characters_arrives_whole(provider: OidcProvider, connect: Connect) -> None:
    provider.clients["slipway-router"] = secret = "a:b%c+d e/ü"
    assert connect(secret=secret).sign_in().person.login == "ada"


@pytest.mark.parametrize(
    "answer",
    [
        Answer(500, b"Internal Server Error"),
        Answer(502, b"<html>Bad Gateway</html>"),
        Answer(200, b"<html>maintenance</html>"),
        Answer(200, b"[]"),
        Answer(200, b"{}"),
        Answer(200, b'{"access_token": "a", "access_token": "b", "token_type": "Bearer", "id_token": "c"}'),
        Answer(200, b'{"access_token": "a", "id_token": "b", "token_type": "mac"}'),
        Answer(200, b'{"access_token": "a", "token_type": "Bearer"}'),
        Answer(200, b'{"access_token": ["a"], "id_token": "b", "token_type": "Bearer"}'),
        Answer(200, b'{"access_token": "' + b"a" * 20_000 + b'", "id_token": "b", "token_type": "Bearer"}'),
        Answer(200, b" " * (300 << 10)),
        Answer(200, b"[" * 100_000),
        Answer(429, b"slow down"),
        Answer(400, b'{"error": ["invalid_grant"]}'),
        Answer(302, b"", {"Location": ELSEWHERE}),
        Answer(307, b"", {"Location": ELSEWHERE}),
    ],
    ids=lambda answer: f"{answer.status}-{answer.body[:20]!r}-{len(answer.body)}",
)
def test_an_answer_that_holds_no_tokens_is_no_refusal_either(
    provider: OidcProvider, rp: RelyingParty, answer: Answer
) -> None:
    before = rp.sign_in()
    provider.answers["token"] = answer.at(provider.url)
    with pytest.raises(DependencyUnavailable):
        rp.sign_on.flow.refresh(before.tokens.refresh_token, before.person.sub)
    assert provider.count("elsewhere") == 0


def test_the_provider_is_asked_to_end_the_session(provider: OidcProvider, rp: RelyingParty) -> None:
    signed_in = rp.sign_in()
    url = rp.sign_on.flow.sign_out_url(signed_in.tokens.id_token, "http://slipway.localhost:8080/", "s-1")
    answer = rp.browser.get(url)
    assert answer.headers["Location"] == "http://slipway.localhost:8080/?state=s-1"
    with pytest.raises(NotAuthenticated):
        rp.sign_on.flow.refresh(signed_in.tokens.refresh_token, signed_in.person.sub)


def test_an_id_token_that_is_too_long_for_a_url_is_left_out(provider: OidcProvider, rp: RelyingParty) -> None:
    provider.add_person("ada", groups=[f"/tenants/tenant-{number}/owner" for number in range(150)])
    id_token = rp.sign_in().tokens.id_token
    url = rp.sign_on.flow.sign_out_url(id_token, "http://slipway.localhost:8080/")
    query = parse_qs(urlsplit(url).query)
    assert query == {"client_id": ["slipway-router"], "post_logout_redirect_uri": ["http://slipway.localhost:8080/"]}


def test_a_provider_without_a_page_for_signing_out_has_none(provider: OidcProvider, rp: RelyingParty) -> None:
    provider.metadata["end_session_endpoint"] = None
    assert rp.sign_on.flow.sign_out_url(rp.sign_in().tokens.id_token, "http://slipway.localhost:8080/") == ""


def test_the_issuer_may_be_reached_at_another_address(provider: OidcProvider, connect: Connect) -> None:
    """Behind a proxy, browsers use a name that this host need not."""
    outside = "https://id.example/realms/slipway"
    provider.metadata |= {"issuer": outside, "authorization_endpoint": f"{outside}/auth"}
    provider.access_claims["iss"] = outside
    rp = connect(issuer=outside)
    assert rp.sign_on.flow.authorization_url("s", rp.sign_on.flow.new_secrets(), CALLBACK).startswith(
        f"{outside}/auth?"
    )
    assert rp.sign_on.verifier.access_token(provider.access_token()).subject == "sub-of-ada"


def test_what_a_browser_brings_is_read_by_the_same_rules(rp: RelyingParty) -> None:
    secrets = rp.sign_on.flow.new_secrets()
    query = rp.query_of(rp.sign_on.flow.authorization_url("state-1", secrets, CALLBACK))
    assert parse(query).state == "state-1"
    with pytest.raises(NotAuthenticated, match="twice"):
        parse(f"{query}&code=another")
