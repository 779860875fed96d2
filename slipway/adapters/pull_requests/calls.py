"""Calls of a forge's API, bounded in time and in what is read of the answers."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from slipway.errors import DependencyUnavailable, SlipwayError

TIMEOUT_S = 10.0
ALL_TIMEOUT_S = 30.0
"""A timeout of HTTP is of one read: this one is of the whole answer."""
MOST_BYTES = 8 << 20
_ASKS_TO_TRY_AGAIN = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})


class ForgeRefused(SlipwayError):
    """The forge answers, and does not do it; `answered` is its status."""

    code = "forge-refused"
    status = 502


def call(method: str, url: str, headers: Mapping[str, str], document: Any = None, **query: str | int) -> Any:
    """The answer's JSON value. A redirect is a refusal: the token is for this address.

    Raises:
        DependencyUnavailable: the forge does not answer, asks to try again later, or answers what can't be read.
        ForgeRefused: it does not do it.
    """
    import httpx  # noqa: PLC0415 - only where there is a token of a forge

    try:
        with httpx.stream(
            method, url, json=document, params=query or None, headers=dict(headers), timeout=TIMEOUT_S
        ) as answer:
            content = _content(answer.iter_bytes()) if answer.is_success else b""
    except httpx.HTTPError as error:
        raise DependencyUnavailable(f"The forge does not answer: {type(error).__name__}.") from error
    if answer.is_success:
        return _value(content)
    again = answer.status_code in _ASKS_TO_TRY_AGAIN or "retry-after" in answer.headers
    if answer.is_server_error or again:
        raise DependencyUnavailable(f"The forge asks to try again later: HTTP {answer.status_code}.")
    raise ForgeRefused(f"The forge refuses it: HTTP {answer.status_code}.", answered=answer.status_code)


def _content(pieces: Any) -> bytes:
    content, until = b"", time.monotonic() + ALL_TIMEOUT_S
    for piece in pieces:
        content += piece
        if len(content) > MOST_BYTES or time.monotonic() > until:
            raise DependencyUnavailable("The forge's answer is too long, or takes too long.")
    return content


def _value(content: bytes) -> Any:
    try:
        return json.loads(content) if content else None
    except ValueError as error:
        raise DependencyUnavailable("The forge's answer is no JSON.") from error
