"""What the edge asks, read from JSON. Whatever has another shape is refused: the edge then admits nobody."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from slipway.core.access.policies import Policy
from slipway.core.identity.local_path import local_path
from slipway.errors import InvalidInput

BODY_MAX_BYTES = 256 << 10
RESERVED = "/.slipway"
"""Paths of the router's on every app's host."""
_HOST = re.compile(r"(?P<name>[a-z0-9_](?:[a-z0-9_.-]{0,251}[a-z0-9_])?)(?::(?P<port>[0-9]*))?")
_BROWSER = re.compile(r"[A-Za-z0-9_-]{43}")
_PORT_DIGITS = 5
_AS_SENT = bytes(range(0x80))


@dataclass(frozen=True, slots=True)
class Question:
    """Of `POST /internal/authorize`: may this caller do what these policies protect?"""

    host: str
    """Without a port."""
    app: str
    """The app's name."""
    tenant: str
    policies: tuple[Policy, ...]
    cookie: str = field(repr=False)
    bearer: str = field(repr=False)
    address: str
    request_id: str


@dataclass(frozen=True, slots=True)
class SignInRequest:
    """Of `POST /internal/sign-in`: a browser that wants to see `target` has to sign in first."""

    host: str
    port: int | None
    scheme: str
    target: str
    """A path of this host, with its query."""
    address: str
    browser: str = field(repr=False)
    """The value of its login cookie, where the browser has one of a sign-in that is not finished; else empty."""


def read(body: bytes) -> dict[str, Any]:
    """One JSON object. Bytes that are no UTF-8 stay what they are: clients send such paths and cookies.

    Raises:
        InvalidInput: it is none.
    """
    try:
        found = json.loads(body.decode(errors="surrogateescape"))
    except (ValueError, RecursionError):
        raise InvalidInput("the body is not JSON", remedy="send one JSON object") from None
    if not isinstance(found, dict):
        raise InvalidInput("the body is no JSON object", remedy="send one")
    return found


def question(asked: dict[str, Any]) -> Question:
    """Raises `InvalidInput` when a field is missing or has another type."""
    host, _ = host_and_port(_text(asked, "host"))
    return Question(
        host=host,
        app=_text(asked, "name"),
        tenant=_text(asked, "tenant"),
        policies=_policies(asked.get("policies")),
        cookie=_optional(asked, "cookie"),
        bearer=_optional(asked, "bearer"),
        address=_optional(asked, "address"),
        request_id=_optional(asked, "request_id"),
    )


def sign_in_request(asked: dict[str, Any]) -> SignInRequest:
    """Raises `InvalidInput` when a field is missing or has another type."""
    host, port = host_and_port(_text(asked, "host"))
    scheme, browser = _text(asked, "scheme"), _optional(asked, "browser")
    if scheme not in ("http", "https"):
        raise InvalidInput("scheme is neither http nor https")
    return SignInRequest(
        host=host,
        port=port,
        scheme=scheme,
        target=target(_text(asked, "target")),
        address=_optional(asked, "address"),
        browser=browser if _BROWSER.fullmatch(browser) else "",
    )


def host_and_port(text: str) -> tuple[str, int | None]:
    """Raises `InvalidInput` when it is no host's name, with a port or without. A port that can't be one counts as none:
    clients write what they like."""
    found = _HOST.fullmatch(text.lower())
    if found is None:
        raise InvalidInput("host is not the name of a host")
    digits = found["port"] or ""
    port = int(digits) if 0 < len(digits) <= _PORT_DIGITS else 0
    return found["name"], port if 0 < port < 1 << 16 else None


def target(text: str) -> str:
    """The path where somebody wanted to go. What is beyond ASCII in it is percent-encoded, as browsers mostly send it;
    `/` for what a browser could read as another host's address, and for what is too long to be kept."""
    return local_path(quote(text.encode(errors="surrogateescape"), safe=_AS_SENT), reserved=RESERVED)


def _policies(given: Any) -> tuple[Policy, ...]:
    if not isinstance(given, list) or not given:
        raise InvalidInput("policies is no list of policies")
    for terms in given:
        if not isinstance(terms, list) or not terms or not all(isinstance(term, str) for term in terms):
            raise InvalidInput("a policy is no list of terms")
    return tuple(Policy(tuple(terms)) for terms in given)


def _text(asked: dict[str, Any], name: str) -> str:
    value = asked.get(name)
    if not isinstance(value, str) or not value:
        raise InvalidInput(f"{name} is missing, or no text")
    return value


def _optional(asked: dict[str, Any], name: str) -> str:
    value = asked.get(name)
    if value is not None and not isinstance(value, str):
        raise InvalidInput(f"{name} is no text")
    return value or ""
