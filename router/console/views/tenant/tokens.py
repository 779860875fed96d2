"""The tenant's tokens."""

from __future__ import annotations

from flask import Response, request, url_for

from router.access import principal, services
from router.api.access.tokens import NewToken
from router.console import responses
from router.console.routes import Done, Values, act, field, form, page
from router.console.texts import text
from router.console.views.tenant.people import number_of
from router.usecases.access import tokens
from router.usecases.confirmation import require_confirmation
from slipway.core.access.roles import Role

_DAY_S = 86400


@page("/tenant/tokens", "tenant/tokens.html", role=Role.OWNER)
def show_tokens() -> Values:
    return _values()


@act("/tenant/tokens", role=Role.OWNER)
def create_token() -> Response:
    """Its text is in this answer only."""
    lifetime = {"expires_in_s": number_of("days") * _DAY_S} if request.form.get("days") else {}
    wanted = form(NewToken, besides=["days"], **lifetime)
    issued = tokens.issue_token(
        services(), principal(), name=wanted.name, role=wanted.role, expires_in_s=wanted.expires_in_s
    )
    return responses.page("tenant/tokens.html", _values() | {"issued": issued})


@act("/tenant/tokens/revoke", role=Role.OWNER)
def revoke_token() -> Done:
    name = field("name")
    require_confirmation("token", name, field("confirm"))
    tokens.revoke_token(services(), principal(), number_of("token"))
    return Done(url_for("console.show_tokens"), (text("acts.token_revoked", name=name),))


def _values() -> Values:
    listed = tokens.list_tokens(services(), principal()).tokens
    return {"tab": "tokens", "tokens": listed, "issued": None, "roles": list(Role)}
