"""What people see at `/.slipway/…` on an app's host."""

from __future__ import annotations

from flask import Response
from markupsafe import Markup

from router.pages import page
from slipway.errors import SlipwayError

_SIGN_OUT = Markup(
    "<h1>Sign out of {host}?</h1>\n"
    "<p>You will be signed out here, at all other apps, and at your sign-on.</p>\n"
    '<form method="post" action="/.slipway/sign-out"><button class="button" type="submit">Sign out</button></form>'
)
_SIGNED_OUT = Markup('<h1>Signed out of {host}</h1>\n<p><a href="{url}">Go on</a> to sign out at your sign-on.</p>')
_FAILURE = Markup("<h1>{title}</h1>\n<p>{message}</p>\n")
_REMEDY = Markup("<p>What to do: {remedy}.</p>")
_TITLES = {403: "This was refused", 429: "Too many sign-ins", 503: "Sign-on is not available now"}


def sign_out(host: str) -> Response:
    return page(f"Sign out of {host}?", _SIGN_OUT.format(host=host))


def signed_out(host: str, url: str) -> Response:
    """Goes on to where the session at the identity provider ends."""
    return page(f"Signed out of {host}", _SIGNED_OUT.format(host=host, url=url), goes_on_to=url)


def failure(error: SlipwayError) -> Response:
    """Not by 401, which would ask a browser for credentials that it does not have."""
    title = _TITLES.get(error.status, "You are not signed in")
    content = _FAILURE.format(title=title, message=error.message)
    if error.remedy:
        content += _REMEDY.format(remedy=error.remedy)
    response = page(title, content, 400 if error.status == 401 else error.status)
    if error.status in (429, 503):
        response.headers["Retry-After"] = str(error.details.get("retry_after_s", 2))
    return response
