"""What proves somebody's identity is never written anywhere: not at DEBUG, not by a library, not in an error."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from urllib.parse import parse_qsl, urlsplit

import pytest

from slipway.errors import SlipwayError
from tests.fixtures.identity.oidc_provider import SECRET, Answer, Asked, OidcProvider
from tests.integration.oidc.conftest import CALLBACK, RelyingParty


class Written(logging.Handler):
    """Everything that is logged, with the arguments of each message and the tracebacks."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.text += f"{record.name}: {record.getMessage()} {record.args!r} {vars(record)!r}\n"
        if record.exc_info:
            self.text += "".join(traceback.format_exception(record.exc_info[1]))


@pytest.fixture
def written(caplog: pytest.LogCaptureFixture) -> Written:
    handler = Written()
    caplog.set_level(logging.DEBUG)
    logging.getLogger().addHandler(handler)
    yield handler
    logging.getLogger().removeHandler(handler)


class Unheard(RelyingParty):
    """Its browser asks the provider without a library that logs: what a browser does is not Slipway's to hide."""

    provider: OidcProvider

    def query_of(self, url: str) -> str:
        parts = urlsplit(url)
        answer = self.provider.answer(Asked("auth", dict(parse_qsl(parts.query)), ""))
        return urlsplit(answer.headers["Location"]).query


@pytest.fixture
def rp(provider: OidcProvider, rp: RelyingParty) -> RelyingParty:
    unheard = Unheard(rp.sign_on, rp.browser, rp.clock)
    unheard.provider = provider
    return unheard


def _sign_in_and_refresh(_provider: OidcProvider, rp: RelyingParty) -> None:
    before = rp.sign_in()
    rp.sign_on.flow.refresh(before.tokens.refresh_token, before.person.sub)
    rp.sign_on.verifier.access_token(before.tokens.access_token)


def _use_a_code_twice(_provider: OidcProvider, rp: RelyingParty) -> None:
    secrets = rp.sign_on.flow.new_secrets()
    answer = rp.answer_to(secrets)
    rp.sign_on.flow.finish(answer, secrets, CALLBACK)
    rp.sign_on.flow.finish(answer, secrets, CALLBACK)


def _get_an_unusable_answer(provider: OidcProvider, rp: RelyingParty) -> None:
    provider.answers["token"] = Answer(500, b"oops")
    rp.sign_in()


def _get_an_error_with_odd_letters(provider: OidcProvider, rp: RelyingParty) -> None:
    provider.answers["token"] = Answer.json({"error": "invalid_grant", "error_description": 'abgelaufen \u00fc "'}, 400)
    rp.sign_in()


def _get_no_answer(provider: OidcProvider, rp: RelyingParty) -> None:
    secrets = rp.sign_on.flow.new_secrets()
    answer = rp.answer_to(secrets)
    provider.stop()
    rp.sign_on.flow.finish(answer, secrets, CALLBACK)


def _bring_a_code_of_odd_letters(_provider: OidcProvider, rp: RelyingParty) -> None:
    secrets = rp.sign_on.flow.new_secrets()
    rp.sign_on.flow.finish(replace(rp.answer_to(secrets), code='odd "code" \u00fc {}'), secrets, CALLBACK)


def _get_tokens_of_another_login(provider: OidcProvider, rp: RelyingParty) -> None:
    provider.id_claims["nonce"] = "another"
    rp.sign_in()


@pytest.mark.parametrize(
    "act",
    [
        _sign_in_and_refresh,
        _use_a_code_twice,
        _get_an_unusable_answer,
        _get_an_error_with_odd_letters,
        _get_no_answer,
        _bring_a_code_of_odd_letters,
        _get_tokens_of_another_login,
    ],
)
def test_no_secret_is_written(
    provider: OidcProvider, rp: RelyingParty, written: Written, act: Callable[[OidcProvider, RelyingParty], None]
) -> None:
    handed_out = _remember_what_is_handed_out(provider)
    with suppress(SlipwayError):
        try:
            act(provider, rp)
        except SlipwayError as error:
            logging.getLogger("test").exception("as a service logs it")
            written.text += repr(error) + repr(error.problem())
            raise
    sent = [value for each in provider.asked if each.endpoint == "token" for value in each.parameters.values()]
    secrets = {SECRET, *handed_out, *(value for value in sent if len(value) > 16 and not value.startswith("http"))}
    secrets -= {"authorization_code", "refresh_token"}
    assert len(secrets) > 1
    assert "httpcore" in written.text, "the handler hears what libraries say"
    assert [secret for secret in secrets if secret in written.text] == []


def _remember_what_is_handed_out(provider: OidcProvider) -> list[str]:
    """Tokens and codes."""
    found: list[str] = []
    usual_tokens, usual_code = provider._tokens, provider._code

    def tokens(grant):
        answer = usual_tokens(grant)
        found.extend(answer[name] for name in ("access_token", "refresh_token", "id_token"))
        return answer

    def code(given, login):
        found.append(usual_code(given, login))
        return found[-1]

    provider._tokens, provider._code = tokens, code  # type: ignore[method-assign]
    return found


def test_what_holds_secrets_does_not_show_them(rp: RelyingParty) -> None:
    secrets = rp.sign_on.flow.new_secrets()
    signed_in = rp.sign_in()
    shown = f"{secrets!r} {signed_in!r} {rp.answer_to(secrets)!r} {rp.sign_on!r}"
    tokens = signed_in.tokens
    hidden = (secrets.nonce, secrets.verifier, tokens.id_token, tokens.access_token, tokens.refresh_token, SECRET)
    assert [text for text in hidden if text in shown] == []
