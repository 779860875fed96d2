"""`/.slipway/…` on apps' hosts: what browsers come to, through the edge."""

from __future__ import annotations

from flask import Blueprint, Response, request

from router.access import services
from router.cookies import Cookies
from router.internal import pages, sign_in
from router.internal.questions import host_and_port
from router.sign_on import SignOnServices, required
from slipway.errors import DependencyUnavailable, NotAllowed, SlipwayError

blueprint = Blueprint("browser", __name__, url_prefix="/.slipway")
_CODE_MAX = 100


@blueprint.errorhandler(SlipwayError)
def show_failure(error: SlipwayError) -> Response:
    """Whoever comes here is a person with a browser."""
    return pages.failure(error)


@blueprint.get("/signed-in")
def signed_in() -> Response:
    """The end of a sign-in: the code becomes a session of this host, and the browser goes where it wanted to go."""
    sign_on = required(services().sign_on)
    cookies, sent = _cookies()
    code = request.args.get("code", "")[:_CODE_MAX]
    browser, host = cookies.login_of(sent), _host()
    finished = sign_in.finish(sign_on, code=code, browser=browser, host=host, scheme=cookies.scheme)
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
    _require_own_page(cookies.scheme)
    response = pages.signed_out(_host(), _end(sign_on, cookies.session_of(sent)))
    response.headers["Set-Cookie"] = cookies.no_session()
    return response


def _end(sign_on: SignOnServices, cookie: str) -> str:
    """Where the browser goes afterwards."""
    signed_out = f"{services().settings.public_url}/auth/signed-out"
    opened = sign_on.sessions.open_app_session(cookie, _host()) if cookie else None
    session = sign_on.sessions.read(opened.parent) if opened is not None else None
    if opened is None or session is None:
        return signed_out
    try:
        at_provider = sign_on.provider.flow.sign_out_url(session.id_token, signed_out)
    except DependencyUnavailable:  # what is ours ends all the same
        at_provider = ""
    sign_on.sessions.end(opened.parent)
    sign_on.sessions.end_app_session(cookie)
    return at_provider or signed_out


def _require_own_page(scheme: str) -> None:
    """A form on another site must not sign anybody out. Browsers say which page sent it."""
    site = request.headers.get("Sec-Fetch-Site")
    origin = request.headers.get("Origin", "")
    own = f"{scheme}://{request.headers['X-Forwarded-Host'].lower()}"
    if (site is not None and site != "same-origin") or origin.lower() != own:
        raise NotAllowed("This did not come from this site's own page.", remedy=f"sign out at {own}/.slipway/sign-out")


def _cookies() -> tuple[Cookies, str]:
    """Those of the host's scheme, and what the browser sent."""
    return Cookies(_scheme()), request.headers.get("Cookie", "")


def _scheme() -> str:
    return "https" if request.headers.get("X-Forwarded-Proto") == "https" else "http"


def _host() -> str:
    return host_and_port(request.headers["X-Forwarded-Host"])[0]
