"""The bodies of requests: each is one JSON object, whose texts can be stored."""

from __future__ import annotations

from typing import Any, NoReturn

from flask import Request
from flask.json.provider import DefaultJSONProvider
from werkzeug.exceptions import BadRequest

from slipway.errors import InvalidInput, UnsupportedContent

BODY_MAX_BYTES = 1 << 20


class ApiJson(DefaultJSONProvider):
    """JSON as RFC 8259 has it: Python also reads NaN and Infinity. Fields are in the order of their documents."""

    sort_keys = False

    def loads(self, s: str | bytes, **options: Any) -> Any:
        return super().loads(s, parse_constant=_refuse_constant, **options)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


class ApiRequest(Request):
    """A body may be left out where every field may be."""

    max_content_length = BODY_MAX_BYTES

    def get_json(self, force: bool = False, silent: bool = False, cache: bool = True) -> Any:
        """The body's value; an empty one is an empty object.

        Raises:
            UnsupportedContent: it says that it is something other than JSON.
            InvalidInput: a text in it can't be stored.
            BadRequest: it is not JSON.
        """
        if not self.get_data(cache=True):
            return {}
        if self.mimetype and not self.is_json:
            raise UnsupportedContent(f"{self.mimetype} is not understood here", remedy="send application/json")
        try:
            value = super().get_json(force=force, silent=silent, cache=cache)
            _refuse_unstorable(value)
        except RecursionError:
            raise BadRequest("The body is nested too deeply.") from None
        return value


def _refuse_unstorable(value: Any) -> None:
    if isinstance(value, dict):
        for key, inner in value.items():
            _refuse_unstorable(key)
            _refuse_unstorable(inner)
    elif isinstance(value, list):
        for inner in value:
            _refuse_unstorable(inner)
    elif isinstance(value, str) and ("\0" in value or any("\ud800" <= letter <= "\udfff" for letter in value)):
        raise InvalidInput("a text holds a character that can't be stored", remedy="leave out NUL and lone surrogates")
