"""What a browser brings back from the identity provider: the query of the redirect URI (RFC 6749, 4.1.2; RFC 9207)."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from slipway.errors import NotAuthenticated

_LONGEST = 4096
_READ = ("state", "code", "error", "iss")
_AGAIN = "start again at the page that you wanted to see"


@dataclass(frozen=True, slots=True)
class AuthorizationResponse:
    """Empty: not there. Either `code` or `error` is."""

    state: str = field(repr=False)
    code: str = field(default="", repr=False)
    error: str = ""
    issuer: str = ""


def parse(query: str) -> AuthorizationResponse:
    """What Slipway reads of the query string.

    Raises:
        NotAuthenticated: the query is too long, names one of these parameters twice, lacks the state, or has neither a
            code nor an error, or both.
    """
    if len(query) > _LONGEST:
        raise _refused("is too long")
    pairs = [(name, value) for name, value in parse_qsl(query, keep_blank_values=True) if name in _READ]
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _refused("names a parameter twice")
    if not found.get("state"):
        raise _refused("has no state")
    if bool(found.get("code")) == bool(found.get("error")):
        raise _refused("has neither a code nor an error, or both")
    return AuthorizationResponse(
        state=found["state"], code=found.get("code", ""), error=found.get("error", ""), issuer=found.get("iss", "")
    )


def _refused(why: str) -> NotAuthenticated:
    return NotAuthenticated(f"The answer of the identity provider {why}.", remedy=_AGAIN)
