"""What an act says on the page that it leads to, once. It goes by a cookie, so that no link can make a page say it."""

from __future__ import annotations

import json
from urllib.parse import quote, unquote

from flask import Response, request
from werkzeug.http import dump_cookie

from router.access import services
from router.identity.cookies import Cookies

NAME = "slipway-notice"
_LIFETIME_S = 60
_MOST = 3000
"""Characters: browsers keep no larger cookie."""


def say(response: Response, *said: str) -> None:
    """The next page that is shown says these sentences."""
    if said:
        text = quote(json.dumps(_fitting(said)))
        response.headers.add("Set-Cookie", _cookie(text, _LIFETIME_S))


def waiting() -> list[str]:
    """The sentences that wait to be said."""
    try:
        found = json.loads(unquote(request.cookies.get(_name(), "[]")))
    except ValueError:
        return []
    return [each for each in found if isinstance(each, str)] if isinstance(found, list) else []


def said(response: Response) -> None:
    """They were."""
    if _name() in request.cookies:
        response.headers.add("Set-Cookie", _cookie("", 0))


def _fitting(sentences: tuple[str, ...]) -> list[str]:
    kept: list[str] = []
    for each in sentences:
        if len(quote(json.dumps([*kept, each]))) <= _MOST:
            kept.append(each)
    return kept


def _is_secure() -> bool:
    return Cookies.of_console(services().settings.public_url).scheme == "https"


def _name() -> str:
    return f"__Host-{NAME}" if _is_secure() else NAME


def _cookie(value: str, max_age_s: int) -> str:
    return dump_cookie(
        _name(), value, max_age=max_age_s, path="/", secure=_is_secure(), httponly=True, samesite="Strict"
    )
