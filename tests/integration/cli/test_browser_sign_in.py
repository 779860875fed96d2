"""`slipway login` through the browser, at a provider that behaves, and at one that does not."""

from __future__ import annotations

import json
import stat
from typing import Any

import pytest

from slipway.cli.exit_codes import Exit
from slipway.core.access.roles import Role
from tests.fixtures.identity.oidc_server import Answer
from tests.fixtures.waiting import eventually
from tests.integration.cli.people import SignOnPlatform, is_kept, kept, refresh_token
from tests.integration.cli.rig import Platform, User
from tests.integration.cli.test_following import terminal

SEVERAL = ["/tenants/acme/owner", "/tenants/umbrella/viewer"]


def test_a_code_is_shown_and_whoever_enters_it_is_signed_in(sign_on: SignOnPlatform) -> None:
    ada, done = sign_on.sign_in()
    assert done.out == f"Signed in to {sign_on.url}: ada of acme, owner.\n"
    assert f"Open {sign_on.provider.issuer}/device and enter ABCD-EFGH\n" in done.err
    assert f"{sign_on.provider.issuer}/device?user_code=ABCD-EFGH\n" in done.err
    secrets = kept(ada)["person"]["tokens"]
    assert not {secrets["access_token"], secrets["refresh_token"]} & set((done.out + done.err).split())
    assert stat.S_IMODE((ada.home / "config" / "login.json").stat().st_mode) == 0o600
    assert ada("whoami").out.startswith(f"{sign_on.url}: ada of acme, owner; the login ends in 1 h unless it is used")
    shown = ada("whoami", "--json").json
    assert (shown["kind"], shown["name"], shown["role"]) == ("person", "ada", "owner")
    assert shown["login_ends_at"]


def test_signing_out_ends_the_login_at_the_provider(sign_on: SignOnPlatform) -> None:
    ada, _ = sign_on.sign_in()
    refresh = refresh_token(ada)
    assert ada("logout", "--json").json == {"forgotten": True, "ended": True}
    assert refresh not in sign_on.provider.grants
    ada("whoami", code=Exit.NOT_SIGNED_IN)
    assert ada("logout").out == "Nobody was signed in.\n"


def test_signing_out_while_the_provider_is_down_forgets_and_says_so(sign_on: SignOnPlatform) -> None:
    ada, _ = sign_on.sign_in()
    sign_on.provider.stop()
    assert "could not be asked to end the login: it ends in 1 h" in ada("logout").err
    assert not is_kept(ada)


def test_on_a_terminal_nobody_has_to_ask_for_the_browser(sign_on: SignOnPlatform) -> None:
    sign_on.provider.devices.answer["interval"] = 1
    ada = sign_on.user()
    with terminal(ada, "login", sign_on.url) as (process, written):
        eventually(lambda: "ABCD-EFGH" in "".join(written), what="the code")
        sign_on.provider.devices.approve()
        assert process.wait(60) == Exit.DONE
    assert "Token:" not in "".join(written)
    assert kept(ada)["person"]


def test_the_provider_is_asked_as_often_as_it_says_and_less_when_it_says_so(sign_on: SignOnPlatform) -> None:
    outcomes = iter(["authorization_pending", "slow_down", "authorization_pending", "slow_down"])

    def meanwhile() -> None:
        sign_on.provider.devices.outcome = next(outcomes, "")
        if not sign_on.provider.devices.outcome:
            sign_on.provider.devices.approve()

    sign_on.clock.meanwhile = meanwhile
    sign_on.user()("login", sign_on.url, "--web")
    assert sign_on.clock.waits == [5, 5, 10, 10, 15]


@pytest.mark.parametrize(
    ("outcome", "said"), [("access_denied", "it was refused in the browser"), ("expired_token", "the code has expired")]
)
def test_a_code_that_nobody_signs_in_with_signs_nobody_in(sign_on: SignOnPlatform, outcome: str, said: str) -> None:
    sign_on.provider.devices.outcome = outcome
    ada = sign_on.user()
    assert said in ada("login", sign_on.url, "--web", code=Exit.NOT_SIGNED_IN).err
    assert len(sign_on.clock.waits) == 1
    assert not is_kept(ada)


def test_a_code_ends_by_the_clock_whatever_the_provider_says(sign_on: SignOnPlatform) -> None:
    refused = sign_on.user()("login", sign_on.url, "--web", code=Exit.NOT_SIGNED_IN)
    assert "the code has expired" in refused.err
    assert 590 <= sum(sign_on.clock.waits) <= 600


def test_a_provider_that_is_down_for_a_while_is_asked_half_as_often(sign_on: SignOnPlatform) -> None:
    def meanwhile() -> None:
        if len(sign_on.clock.waits) == 1:
            sign_on.provider.stop()
        if len(sign_on.clock.waits) == 3:
            sign_on.provider.start()
            sign_on.provider.devices.approve()

    sign_on.clock.meanwhile = meanwhile
    sign_on.user()("login", sign_on.url, "--web")
    assert sign_on.clock.waits == [5, 10, 20]


def test_a_provider_that_never_answers_again_is_named(sign_on: SignOnPlatform) -> None:
    sign_on.provider.answers["token"] = Answer(200, b"<html>")
    refused = sign_on.user()("login", sign_on.url, "--web", code=Exit.FAILED).err
    assert "answered 200 without a JSON object" in refused
    assert len(sign_on.clock.waits) < 10


def test_ctrl_c_gives_up_and_keeps_nothing(sign_on: SignOnPlatform) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    sign_on.clock.meanwhile = interrupt
    ada = sign_on.user()
    assert "Traceback" not in ada("login", sign_on.url, "--web", code=Exit.FAILED).err
    assert not is_kept(ada)


EVIL = "https://evil.example/realms/slipway"


@pytest.mark.parametrize("name", ["device_authorization_endpoint", "token_endpoint", "revocation_endpoint"])
def test_an_endpoint_elsewhere_is_not_spoken_to(sign_on: SignOnPlatform, name: str) -> None:
    sign_on.provider.metadata[name] = f"{EVIL}/{name}"
    refused = sign_on.user()("login", sign_on.url, "--web", code=Exit.FAILED).err
    assert f"its {name} is '{EVIL}/{name}', which is not at the identity provider {sign_on.provider.url}" in refused
    assert not sign_on.provider.count("device")


@pytest.mark.parametrize(
    "address", [EVIL, "javascript:alert(1)", "http://127.0.0.1:1/realms", 'http://x"@127.0.0.1/', 7]
)
@pytest.mark.parametrize("name", ["verification_uri", "verification_uri_complete"])
def test_nobody_is_sent_to_sign_in_elsewhere(sign_on: SignOnPlatform, name: str, address: object) -> None:
    sign_on.provider.devices.answer[name] = address
    refused = sign_on.user()("login", sign_on.url, "--web", code=Exit.FAILED).err
    assert "Nobody is signed in" in refused
    assert "Open" not in refused


def test_a_code_does_not_paint_the_terminal(sign_on: SignOnPlatform) -> None:
    sign_on.provider.devices.answer["user_code"] = "AB\x1b[2J\x1b]0;x\x07CD"
    assert "and enter ABCD\n" in sign_on.sign_in()[1].err


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, b"<html>"),
        Answer(200, b"[]"),
        Answer.json({"device_code": "x", "user_code": "y"}),
        Answer.json({"device_code": 7, "user_code": [], "expires_in": 600}),
        Answer(500, b"oops"),
        Answer(302, headers={"Location": "https://evil.example/"}),
        Answer(200, b'{"device_code": "' + b"x" * 300_000 + b'"}'),
    ],
    ids=["a page", "a list", "no life", "no texts", "a failure", "a redirect", "too much"],
)
def test_what_is_no_answer_of_the_protocol_is_named(sign_on: SignOnPlatform, answer: Answer) -> None:
    sign_on.provider.answers["device"] = answer
    refused = sign_on.user()("login", sign_on.url, "--web", code=Exit.FAILED).err
    assert f"The identity provider at {sign_on.provider.url} " in refused


@pytest.mark.parametrize("change", [{"access_token": "a\r\nb"}, {"refresh_token": None}, {"token_type": "MAC"}])
def test_tokens_of_no_use_sign_nobody_in(sign_on: SignOnPlatform, change: dict[str, Any]) -> None:
    sign_on.provider.token_answer = change
    ada, refused = sign_on.sign_in(code=Exit.FAILED)
    assert "The identity provider at" in refused.err
    assert not is_kept(ada)


def test_a_provider_that_refuses_the_client_says_why(sign_on: SignOnPlatform) -> None:
    refusal = {"error": "unauthorized_client", "error_description": "Client is not allowed\x1b[2J"}
    sign_on.provider.answers["device"] = Answer.json(refusal, 400)
    refused = sign_on.user()("login", sign_on.url, "--web", code=Exit.FAILED).err
    assert "refused: unauthorized_client (Client is not allowed)" in refused


def test_another_issuers_tokens_are_not_kept_and_end(sign_on: SignOnPlatform) -> None:
    sign_on.provider.access_claims["iss"] = EVIL
    ada, refused = sign_on.sign_in(code=Exit.NOT_SIGNED_IN)
    assert "issuer" in refused.err
    assert not is_kept(ada)
    assert not sign_on.provider.grants


def test_a_provider_that_is_another_issuer_or_down_is_an_error_of_the_platform(sign_on: SignOnPlatform) -> None:
    sign_on.provider.metadata["issuer"] = EVIL
    refused = sign_on.user()("login", sign_on.url, "--web", code=Exit.FAILED).err
    assert "it is not the issuer" in refused
    assert "slipway login --token-stdin" in refused


def test_a_token_signs_in_beside_sign_on(sign_on: SignOnPlatform) -> None:
    ci = sign_on.user("ci")
    token = sign_on.api.caller("acme", Role.VIEWER).token
    assert "token acme-viewer of acme, viewer" in ci("login", sign_on.url, "--token-stdin", stdin=token).out
    assert "is of one tenant" in ci("login", sign_on.url, "--tenant", "acme", stdin=token, code=Exit.USAGE).err
    assert ci("logout", "--json").json == {"forgotten": True}


def test_where_sign_on_is_off_nobody_is_sent_to_a_browser(platform: Platform, slipway: User) -> None:
    slipway.environ["SLIPWAY_TOKEN"] = ""
    assert "Sign-on is off" in slipway("login", platform.url, "--web", code=Exit.FAILED).err
    with terminal(slipway, "login", platform.url) as (_, written):
        eventually(lambda: "Token:" in "".join(written), what="the prompt for a token")


def test_somebody_in_several_tenants_chooses_one_and_may_choose_again(sign_on: SignOnPlatform) -> None:
    sign_on.provider.add_person("ada", groups=SEVERAL)
    ada, refused = sign_on.sign_in(code=Exit.REFUSED)
    assert "you are in several tenants; yours: acme, umbrella" in refused.err
    assert "slipway login --tenant NAME" in refused.err
    assert "ada of umbrella, viewer" in ada("login", "--tenant", "umbrella").out
    assert ada("whoami", "--json").json["tenant"] == "umbrella"
    ada("login", "--tenant", "globex", code=Exit.REFUSED)
    assert ada("whoami", "--json").json["tenant"] == "umbrella", "as it was"
    ada.environ["SLIPWAY_TENANT"] = "acme"
    assert ada("whoami", "--json").json["tenant"] == "acme"
    assert sign_on.provider.count("device") == 1


def test_the_tenant_may_be_named_at_once(sign_on: SignOnPlatform) -> None:
    sign_on.provider.add_person("ada", groups=SEVERAL)
    ada, done = sign_on.sign_in("--tenant", "umbrella")
    assert "ada of umbrella, viewer" in done.out
    assert kept(ada)["tenant"] == "umbrella"


def test_a_token_of_the_environment_goes_before_a_persons_login(sign_on: SignOnPlatform) -> None:
    ada, _ = sign_on.sign_in()
    ada.environ["SLIPWAY_TOKEN"] = sign_on.api.caller("umbrella", Role.VIEWER).token
    assert ada("whoami").out == f"{sign_on.url}: token umbrella-viewer of umbrella, viewer\n"
    sign_on.provider.add_person("eve", groups=["/tenants/acme/viewer"])
    ada.environ["SLIPWAY_TOKEN"] = sign_on.provider.access_token("eve")
    assert ada("whoami").out == f"{sign_on.url}: eve of acme, viewer\n", "an access token, too"


def test_a_persons_tokens_never_go_to_another_address(sign_on: SignOnPlatform, platform: Platform) -> None:
    ada, _ = sign_on.sign_in()
    ada.environ["SLIPWAY_URL"] = platform.url
    assert "A token is needed" in ada("whoami", code=Exit.NOT_SIGNED_IN).err


def test_how_to_sign_in_is_public_and_holds_no_secret(sign_on: SignOnPlatform) -> None:
    answer = sign_on.http().get("/api/sign-in")
    assert answer.headers["Cache-Control"] == "public, max-age=60"
    above = f"{sign_on.provider.issuer}/protocol/openid-connect"
    assert answer.json() == {
        "sign_on": True,
        "issuer": sign_on.provider.issuer,
        "client_id": "slipway-cli",
        "device_authorization_endpoint": f"{above}/auth/device",
        "token_endpoint": f"{above}/token",
        "revocation_endpoint": f"{above}/revoke",
    }
    assert json.dumps(answer.json()).count("secret") == 0
