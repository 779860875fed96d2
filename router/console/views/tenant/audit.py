"""Who changed what in the tenant."""

from __future__ import annotations

from flask import request

from router.access import principal, services
from router.console.routes import Values, page
from router.usecases.access.audit_log import AuditQuery, search_audit
from router.usecases.finding import NUMBER_MAX
from slipway.core.access.roles import Role

_WORDS_MOST = 200
_DIGITS_MOST = 18


@page("/tenant/audit", "tenant/audit.html", role=Role.OWNER)
def show_audit() -> Values:
    words = request.args.get("q", "")[:_WORDS_MOST]
    found = search_audit(services(), principal(), AuditQuery(words, _position(request.args.get("before", ""))))
    return {"tab": "audit", "log": found, "words": words}


def _position(given: str) -> int | None:
    """None: it is none, and counts as not given."""
    is_number = given.isascii() and given.isdecimal() and len(given) <= _DIGITS_MOST
    return min(int(given), NUMBER_MAX) if is_number else None
