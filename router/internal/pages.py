"""What people see at `/.slipway/…` on an app's host."""

from __future__ import annotations

from flask import Response
from markupsafe import Markup

from router.pages import page
from slipway.errors import SlipwayError

_SIGN_OUT = Markup(
    """<h1>Sign out?</h1>
<p>You will be signed out of {host}, of all other apps, and at your sign-on.</p>
<form method="post" action="/.slipway/sign-out"><button class="button">Sign out</button></form>"""
)
_FAILURE = Markup(
    """<h1>{title}</h1>
<p>{message}</p>
{remedy}<p><a class="button" href="/">Open {host}</a></p>
<p class="quiet">Request {request_id}</p>"""
)
_REMEDY = Markup("<p>What to do: {remedy}.</p>\n")
_TITLES = {
    401: "This sign-in can't go on",
    403: "This was refused",
    503: "Nobody can sign in at the moment",
}
_STATUS = {401: 403}
"""401 would ask a browser for credentials of a kind that it does not have."""
_RETRY_AFTER_S = 5


def sign_out(host: str) -> Response:
    return page("Sign out?", _SIGN_OUT.format(host=host))


def failure(error: SlipwayError, host: str, request_id: str) -> Response:
    title = _TITLES.get(error.status, "This did not work")
    remedy = _REMEDY.format(remedy=error.remedy) if error.remedy else ""
    content = _FAILURE.format(title=title, message=error.message, remedy=remedy, host=host, request_id=request_id)
    response = page(title, content, _STATUS.get(error.status, error.status))
    if response.status_code == 503:
        response.headers["Retry-After"] = str(error.details.get("retry_after_s", _RETRY_AFTER_S))
    return response
