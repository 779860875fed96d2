"""`/auth/token` and `/auth/console/<secret>`: signing in at the console where sign-on is off, with a token of the API,
or by a link that the command made. Looking at a link changes nothing: only a form of its page takes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, Response, request

from router import authentication
from router.access import services
from router.authentication import Credentials
from router.identity import token_sessions
from router.login import pages, recording, token_pages
from router.login.reading import cookies_of, origin_of, require_page_of_console, session_value
from router.login.redirects import see_other
from router.principal import Principal
from router.problems import PROBLEMS
from slipway.core.access.tokens import hashed
from slipway.core.identity.local_path import START, local_path
from slipway.errors import Conflict, CrossSiteRequest, LoginRefused, NotAuthenticated, SlipwayError
from slipway.web.problems import log_defect, log_failure
from slipway.web.requests import client_address, request_id

if TYPE_CHECKING:
    from slipway.adapters.redis.sessions import TokenSessions

blueprint = Blueprint("token_sign_in", __name__, url_prefix="/auth")
_RECORDED = "/auth/token"
_AGAIN = pages.Link("/auth/token", "Sign in with a token")


@blueprint.errorhandler(SlipwayError)
def show_failure(error: SlipwayError) -> Response:
    if isinstance(error, NotAuthenticated | CrossSiteRequest):
        recording.refused(services().db, services().redis, origin_of(request), _RECORDED, error.message)
    if error.status >= 500:
        log_failure(error)
    return pages.failure(error, request_id(request), leads_on=_AGAIN)


@blueprint.errorhandler(Exception)
def show_defect(error: Exception) -> Response:
    log_defect(error)
    return pages.failure(PROBLEMS.defect, request_id(request), leads_on=_AGAIN)


@blueprint.get("/token")
def show_form() -> Response:
    _require_off()
    return token_pages.form(local_path(request.args.get("to", START)))


@blueprint.post("/token")
def sign_in() -> Response:
    """With a token of the API, which is as good here as it is there."""
    require_page_of_console(services(), request)
    _require_off()
    _sessions().require_rate(client_address(request))
    token_hash = hashed(request.form.get("token", "").strip())
    who = _principal(token_hash)
    return _signed_in(token_hash, who, local_path(request.form.get("to", START)))


@blueprint.post("/token/end")
def sign_out() -> Response:
    require_page_of_console(services(), request)
    _require_off()
    _sessions().end(session_value(services(), request))
    return see_other("/", cookies_of(services()).no_session())


@blueprint.get("/console/<secret>")
def show_link(secret: str) -> Response:
    """As whom it signs in."""
    _require_off()
    _sessions().require_rate(client_address(request))
    token_hash = _sessions().look_at_link(secret)
    if not token_hash:
        raise _link_over()
    return token_pages.offer(secret, _principal(token_hash))


@blueprint.post("/console/<secret>")
def take_link(secret: str) -> Response:
    require_page_of_console(services(), request)
    _require_off()
    token_hash = _sessions().take_link(secret)
    if not token_hash:
        raise _link_over()
    return _signed_in(token_hash, _principal(token_hash), START)


def _signed_in(token_hash: str, who: Principal, target: str) -> Response:
    """The session that the browser had ends, so that nobody who planted it is signed in."""
    sessions = _sessions()
    sessions.end(session_value(services(), request))
    recording.began_with_token(services().db, who)
    return see_other(target, cookies_of(services()).session(sessions.create(token_hash)))


def _principal(token_hash: str) -> Principal:
    found = authentication.find_hashed_token(services(), token_hash)
    if found is None:
        raise NotAuthenticated("The token is not known.", remedy="an owner makes another one: slipway tokens create")
    return authentication.token_principal(services(), Credentials.of(request), *found)


def _sessions() -> TokenSessions:
    return token_sessions.of(services().settings, services().redis)


def _require_off() -> None:
    if services().sign_on is not None:
        raise Conflict("People sign in by the sign-on of this host, not with tokens.", remedy="sign in at /auth/login")


def _link_over() -> LoginRefused:
    return LoginRefused(
        "This link is not good: it was used already, or is older than five minutes.",
        remedy="make another one: slipway open --console",
    )
