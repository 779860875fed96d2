"""`/.slipway/…` on apps' hosts: what browsers come to, through the edge."""

from __future__ import annotations

from flask import Blueprint, Response, request

from router.access import services
from router.identity.cookies import Cookies
from router.identity.request_origin import require_own_page
from router.identity.sign_on import SignOnServices, required
from router.internal import pages, sign_in
from router.internal.questions import host_and_port
from router.login import pages as login_pages
from router.login import recording, signing_out
from router.login.reading import origin_of
from router.login.signing_out import SignedOut
from slipway.errors import InvalidInput, NotAuthenticated, SlipwayError
from slipway.web.requests import request_id

blueprint = Blueprint("browser", __name__, url_prefix="/.slipway")


@blueprint.errorhandler(SlipwayError)
def show_failure(error: SlipwayError) -> Response:
    """Whoever comes here is a person with a browser."""
    if isinstance(error, NotAuthenticated):
        where = f"{_host()}{request.path}"
        recording.refused(services().db, services().redis, origin_of(request), where, error.message)
    return pages.failure(error, _host(), request_id(request))


@blueprint.get("/signed-in")
def signed_in() -> Response:
    """The end of a sign-in: the code becomes a session of this host, and the browser goes where it wanted to go."""
    sign_on = required(services().sign_on)
    cookies, sent = _cookies()
    codes = request.args.getlist("code")
    finished = sign_in.finish(
        sign_on,
        code=codes[0] if len(codes) == 1 else "",
        browser=cookies.login_of(sent),
        host=_host(),
        scheme=cookies.scheme,
    )
    if former := cookies.session_of(sent):
        sign_on.sessions.end_app_session(former)
    headers = {"Location": finished.location, "Referrer-Policy": "no-referrer"}
    response = Response(status=303, headers={**headers, "Set-Cookie": cookies.session(finished.session)})
    response.autocorrect_location_header = False
    return response


@blueprint.get("/sign-out")
def ask_to_sign_out() -> Response:
    """A page that asks: to follow a link signs nobody out."""
    required(services().sign_on)
    return pages.sign_out(_host())


@blueprint.post("/sign-out")
def sign_out() -> Response:
    """End the session, here and at all apps, and then at the identity provider."""
    sign_on = required(services().sign_on)
    cookies, sent = _cookies()
    own_url = f"{cookies.scheme}://{request.headers['X-Forwarded-Host']}"
    require_own_page(own_url, request.headers.get("Sec-Fetch-Site", ""), request.headers.get("Origin", ""))
    response = _signed_out(_end(sign_on, cookies.session_of(sent)))
    response.headers["Set-Cookie"] = cookies.no_session()
    return response


def _end(sign_on: SignOnServices, cookie: str) -> SignedOut:
    found = sign_on.sessions.open_app_session(cookie, _host())
    if found is None:
        return SignedOut(was_signed_in=False, at_provider="")
    done = signing_out.sign_out(services(), sign_on, found.parent, origin_of(request))
    sign_on.sessions.end_app_session(cookie)
    return done


def _signed_out(done: SignedOut) -> Response:
    if done.was_signed_in and not done.at_provider:
        return login_pages.half_signed_out()
    return login_pages.signing_out(done.at_provider or signing_out.signed_out_url(services()))


def _cookies() -> tuple[Cookies, str]:
    """Those of the host's scheme, and what the browser sent."""
    is_secure = request.headers.get("X-Forwarded-Proto") == "https"
    return Cookies("https" if is_secure else "http"), request.headers.get("Cookie", "")


def _host() -> str:
    """The app's, without a port; empty: it is none."""
    try:
        return host_and_port(request.headers["X-Forwarded-Host"])[0]
    except InvalidInput:
        return ""
