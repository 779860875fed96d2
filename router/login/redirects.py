"""Where a browser is sent while somebody signs in."""

from __future__ import annotations

from flask import Request, Response

from router.identity.sign_on import SignOnServices
from router.login import signing_in
from router.login.reading import cookies_of
from router.services import Services
from slipway.core.identity.local_path import START
from slipway.web.requests import client_address


def to_provider(
    services: Services, sign_on: SignOnServices, request: Request, *, target: str = START, app_login: str = ""
) -> Response:
    """To the identity provider, and from there to `target`, a path of this host, or on to the app."""
    cookies = cookies_of(services)
    started = signing_in.begin(
        services,
        sign_on,
        browser=cookies.login_of(request.headers.get("Cookie", "")),
        address=client_address(request),
        target=target,
        app_login=app_login,
    )
    return see_other(started.location, cookies.login(started.browser))


def see_other(location: str, cookie: str = "") -> Response:
    """The next page learns nothing of the address of this one, which may have a secret in it."""
    response = Response(status=303, headers={"Location": location, "Referrer-Policy": "no-referrer"})
    response.autocorrect_location_header = False
    if cookie:
        response.headers.add("Set-Cookie", cookie)
    return response
