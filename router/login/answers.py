"""`/auth/…` for programs: the console's pages ask who is signed in, and the identity provider ends sessions. Answers
are JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, json, request

from router.access import services
from router.identity import tenant_choice
from router.identity.sign_on import required
from router.login import recording, signing_out
from router.login.reading import origin_of, require_page_of_console, session_of
from slipway.errors import InvalidInput, NotAuthenticated, SlipwayError

if TYPE_CHECKING:
    from slipway.adapters.redis.sessions import Session

blueprint = Blueprint("session", __name__, url_prefix="/auth")
_TOKEN_MAX = 16 << 10


@blueprint.get("/session")
def show() -> dict[str, Any]:
    """Who is signed in, in which tenants, and until when."""
    return _described(*_signed_in())


@blueprint.post("/tenant")
def choose_tenant() -> dict[str, Any]:
    """The tenant in which the person acts from now on, where a request asks for none."""
    require_page_of_console(services(), request)
    session, ends_at = _signed_in()
    tenant = request.get_json().get("tenant") if request.is_json else request.form.get("tenant")
    if not isinstance(tenant, str):
        raise InvalidInput("tenant is missing", remedy="send the name of one of yours")
    tenant_choice.remember(services(), session.person, tenant)
    return _described(session, ends_at)


@blueprint.post("/backchannel-logout")
def end_by_provider() -> Response:
    """OpenID Connect Back-Channel Logout 1.0, 2.5 to 2.8. The token's signature says who asks: no cookie counts."""
    try:
        signing_out.end_by_provider(services(), required(services().sign_on), _logout_token(), origin_of(request))
    except NotAuthenticated as error:
        recording.refused(services().db, services().redis, origin_of(request), request.path, error.message)
        return _refused("invalid_request", error)
    except SlipwayError as error:
        return _refused("server_error", error)
    return Response(status=200)


def _signed_in() -> tuple[Session, float]:
    """The session, and when it is over. Raises `NotAuthenticated` when nobody is signed in."""
    sign_on = required(services().sign_on)
    session = session_of(services(), request)
    if session is None:
        raise NotAuthenticated("Nobody is signed in.", remedy="sign in at /auth/login")
    return session, sign_on.sessions.ends_at(session)


def _described(session: Session, ends_at: float) -> dict[str, Any]:
    person = session.person
    chosen = tenant_choice.last_chosen(services(), person.sub)
    tenants = tenant_choice.memberships_of(services(), person)
    return {
        "sub": person.sub,
        "login": person.login,
        "name": person.name,
        "email": person.verified_email,
        "platform_admin": person.is_platform_admin,
        "tenants": [
            {"name": each.tenant, "role": str(each.role), "chosen": chosen == each.tenant or len(tenants) == 1}
            for each in tenants
        ],
        "expires_at": int(ends_at),
    }


def _logout_token() -> str:
    token = request.form.get("logout_token", "")
    if not 0 < len(token) <= _TOKEN_MAX:
        raise NotAuthenticated("There is no logout_token, or it is too long.")
    return token


def _refused(code: str, error: SlipwayError) -> Response:
    """400 whatever went wrong, as the specification has it."""
    body = json.dumps({"error": code, "error_description": error.message})
    return Response(body, 400, content_type="application/json")
