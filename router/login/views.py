"""`/auth/…` on the console's host: what browsers come to while people sign in and out."""

from __future__ import annotations

from flask import Blueprint, Response, g, request

from router.access import services
from router.identity.sign_on import required
from router.login import pages, recording, signing_in, signing_out
from router.login.reading import cookies_of, origin_of, require_page_of_console, session_of, session_value
from router.login.redirects import see_other, to_provider
from router.problems import PROBLEMS
from slipway.core.identity import authorization_response
from slipway.core.identity.local_path import START, local_path
from slipway.errors import CrossSiteRequest, NotAuthenticated, SlipwayError
from slipway.web.problems import log_defect, log_failure
from slipway.web.requests import request_id

blueprint = Blueprint("login", __name__, url_prefix="/auth")


@blueprint.errorhandler(SlipwayError)
def show_failure(error: SlipwayError) -> Response:
    """Whoever comes here is a person with a browser. That nobody was let in is recorded; that something does not answer
    is not: it says nothing of who came."""
    if isinstance(error, NotAuthenticated | CrossSiteRequest):
        recording.refused(services().db, services().redis, origin_of(request), request.path, error.message)
    if error.status >= 500:
        log_failure(error)
    return pages.failure(error, request_id(request), again=g.get("leads_to", START))


@blueprint.errorhandler(Exception)
def show_defect(error: Exception) -> Response:
    """Also then somebody sees a page, with the number by which the log has the rest."""
    log_defect(error)
    return pages.failure(PROBLEMS.defect, request_id(request), again=g.get("leads_to", START))


@blueprint.get("/login")
def begin() -> Response:
    """To the identity provider, and from there to a page of the console."""
    g.leads_to = local_path(request.args.get("to", START))
    return to_provider(services(), required(services().sign_on), request, target=g.leads_to)


@blueprint.get("/callback")
def come_back() -> Response:
    """From the identity provider: there is a session from now on."""
    sign_on = required(services().sign_on)
    cookies = cookies_of(services())
    answer = authorization_response.parse(request.query_string.decode("latin-1"))
    browser = cookies.login_of(request.headers.get("Cookie", ""))
    transaction = signing_in.taken(sign_on, answer, browser)
    g.leads_to = f"/auth/apps/{transaction.app_login}" if transaction.app_login else transaction.target
    former = session_value(services(), request)
    finished = signing_in.finish(services(), sign_on, transaction, answer, former=former, origin=origin_of(request))
    return see_other(finished.location, cookies.session(finished.value))


@blueprint.get("/apps/<login_id>")
def sign_in_for_app(login_id: str) -> Response:
    """A sign-in that began on an app's host: who is signed in here already is so there without another password."""
    sign_on = required(services().sign_on)
    if sign_on.app_logins.read(login_id) is None:
        raise signing_in.app_login_over()
    g.leads_to = f"/auth/apps/{login_id}"
    if session_of(services(), request) is None:
        return to_provider(services(), sign_on, request, app_login=login_id)
    return see_other(signing_in.app_url(sign_on, login_id, session_value(services(), request)))


@blueprint.post("/logout")
def sign_out() -> Response:
    """End the session here and at all apps; then the browser goes on to end it at the identity provider."""
    sign_on = required(services().sign_on)
    require_page_of_console(services(), request)
    done = signing_out.sign_out(services(), sign_on, session_value(services(), request), origin_of(request))
    if not done.was_signed_in:
        response = see_other("/auth/signed-out")
    elif done.at_provider:
        response = pages.signing_out(done.at_provider)
    else:
        response = pages.half_signed_out()
    response.headers.add("Set-Cookie", cookies_of(services()).no_session())
    return response


@blueprint.get("/signed-out")
def signed_out() -> Response:
    """Where the identity provider sends the browser afterwards."""
    required(services().sign_on)
    session = session_of(services(), request)
    return pages.signed_out() if session is None else pages.still_signed_in(session.person.login)
