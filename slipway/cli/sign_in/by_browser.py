"""`slipway login` through the browser, from the question whether the platform has sign-on to a person's tokens."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from slipway.cli.client import Client
from slipway.cli.exit_codes import ApiProblem
from slipway.cli.output import echo
from slipway.cli.sign_in import browser, device_grant
from slipway.cli.sign_in.identity_provider import IdentityProvider, of_platform
from slipway.cli.sign_in.kept_login import PersonsLogin
from slipway.errors import NotFound, SlipwayError


def provider_of(platform: Client) -> IdentityProvider | None:
    """Who signs people in there; None where sign-on is off, or is not known yet (an older platform).

    Raises:
        UntrustedProvider: the platform names one that can't be trusted.
    """
    try:
        document: Any = platform.get("/sign-in")
    except ApiProblem as error:
        if error.http_status == NotFound.status and error.document.get("code") == NotFound.code:
            return None
        raise
    is_on = isinstance(document, dict) and document.get("sign_on") is True
    return of_platform(document, platform.url) if is_on else None


def sign_in(provider: IdentityProvider, *, opens: bool) -> PersonsLogin:
    """Show the code and wait until it was used. What a person needs for it goes to standard error, also with --json."""
    code = device_grant.begin(provider)
    echo(f"Open {code.verification_uri} and enter {code.user_code}", err=True)
    if code.verification_uri_complete:
        echo(f"or open the complete link: {code.verification_uri_complete}", err=True)
    if opens and browser.may_open() and browser.open_(code.verification_uri_complete or code.verification_uri):
        echo(f"A browser opens; sign in only if it shows {code.user_code}.", err=True)
    echo("Waiting for it; Ctrl-C gives up.", err=True)
    return PersonsLogin(provider, device_grant.wait(provider, code))


def end(login: PersonsLogin) -> bool:
    """End the login at the provider (RFC 7009). False: it was not reached, or has no way to."""
    token = login.tokens.refresh_token
    if not token or not login.provider.revocation_endpoint:
        return not token
    with suppress(SlipwayError):
        login.provider.post(login.provider.revocation_endpoint, token=token, token_type_hint="refresh_token")  # noqa: S106
        return True
    return False
