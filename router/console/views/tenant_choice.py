"""In which tenant a person works from now on."""

from __future__ import annotations

from flask import Response, request

from router.access import services
from router.console import responses
from router.console.routes import blueprint, field
from router.identity import tenant_choice
from router.login.reading import require_page_of_console, session_of
from slipway.errors import NotAuthenticated


@blueprint.post("/tenant/choice")
def choose_tenant() -> Response:
    """Also for somebody who has chosen none yet, and may see no page before."""
    require_page_of_console(services(), request)
    session = session_of(services(), request)
    if session is None:
        raise NotAuthenticated("You are not signed in any more.", remedy="sign in again, at /auth/login")
    tenant_choice.remember(services(), session.person, field("chosen"))
    return responses.done("/")
