"""What people see while they sign in and out: what happened, what it means, and a way on."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from flask import Response
from markupsafe import Markup

from router import pages
from slipway.errors import SlipwayError

_FAILURE = Markup(
    """<h1>{title}</h1>
<p>{message}</p>
{remedy}<p><a class="button" href="{again}">{label}</a></p>
<p class="quiet">Request {request_id}</p>"""
)
_REMEDY = Markup("<p>{remedy}</p>\n")
_TITLES = {
    "login-refused": "This sign-in can't go on",
    "not-authenticated": "You are not signed in",
    "not-allowed": "This was refused",
    "cross-site-request": "This was refused",
    "too-many-logins": "Too many sign-ins",
    "sign-on-off": "Sign-on is off",
    "invitation-void": "This invitation is not good",
    "dependency-unavailable": "Nobody can sign in at the moment",
    "identity-refused": "Nobody can sign in at the moment",
}
_STATUS = {401: 403}
"""401 would ask a browser for credentials of a kind that it does not have."""
_RETRY_AFTER_S = 5
_UNAVAILABLE = (
    "Something that signing in and out needs does not answer. Nothing was changed: whoever is signed in stays so.",
    "try again in a minute; if that does not help, give the host's owner the number below",
)
"""What strangers see of it. What does not answer, and where it is, stands in the router's log."""
_SIGNED_OUT = Markup(
    """<h1>You are signed out</h1>
<p>Here, at all apps, and at your sign-on. Close the browser if others use it too.</p>
<p><a class="button" href="/auth/login">Sign in</a></p>"""
)
_STILL_SIGNED_IN = Markup(
    """<h1>You are signed in</h1>
<p>As <strong>{login}</strong>, here and at apps.</p>
<form method="post" action="/auth/logout"><button class="button">Sign out</button></form>"""
)
_SIGNING_OUT = Markup(
    """<h1>Signing you out</h1>
<p>You are signed out here and at all apps. <a href="{url}">Go on</a> to sign out at your sign-on too.</p>"""
)
_HALF_SIGNED_OUT = Markup(
    """<h1>You are signed out here, and at all apps</h1>
<p>Your sign-on does not answer, so you may be signed in there still: who uses this browser next could sign in as you,
without a password. Close it, or sign out there once it answers.</p>
<p><a class="button second" href="/">To the start page</a></p>"""
)


@dataclass(frozen=True, slots=True)
class Link:
    href: str
    label: str


def failure(error: SlipwayError, request_id: str, again: str = "/", *, leads_on: Link | None = None) -> Response:
    """`again` is the path that a new sign-in leads to, or that of an app's sign-in or of an invitation's page.
    `leads_on` is another way on than a new sign-in."""
    href = (
        again if again.startswith(("/auth/apps/", "/auth/invitations/")) else f"/auth/login?to={quote(again, safe='/')}"
    )
    is_off = error.code == "sign-on-off"
    title = _TITLES.get(error.code, "This did not work")
    link = leads_on or (Link("/", "To the start page") if is_off else Link(href, "Sign in again"))
    is_unavailable = error.code in ("dependency-unavailable", "identity-refused")
    message, remedy = _UNAVAILABLE if is_unavailable else (error.message, error.remedy)
    content = _FAILURE.format(
        title=title,
        message=_sentence(message),
        remedy=_REMEDY.format(remedy=_sentence(remedy)) if remedy else "",
        again=link.href,
        label=link.label,
        request_id=request_id,
    )
    response = pages.page(title, content, _STATUS.get(error.status, error.status))
    if response.status_code in (429, 503):
        response.headers["Retry-After"] = str(error.details.get("retry_after_s", _RETRY_AFTER_S))
    return response


def signed_out() -> Response:
    return pages.page("Signed out", _SIGNED_OUT)


def still_signed_in(login: str) -> Response:
    return pages.page("Signed in", _STILL_SIGNED_IN.format(login=login))


def signing_out(url: str) -> Response:
    """Goes on to where the session at the identity provider ends."""
    return pages.page("Signing out", _SIGNING_OUT.format(url=url), goes_on_to=url)


def half_signed_out() -> Response:
    return pages.page("Signed out", _HALF_SIGNED_OUT)


def _sentence(text: str) -> str:
    """Remedies begin with a small letter, since the command prints them after other words."""
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")
