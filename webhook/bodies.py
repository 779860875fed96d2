"""From a delivery's bytes to a JSON value, for both content types that forges send."""

from __future__ import annotations

import json
from typing import Any, NoReturn
from urllib.parse import parse_qs

from slipway.errors import InvalidInput, UnsupportedContent

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
_MAX_FORM_FIELDS = 10


def parse(body: bytes, content_type: str) -> Any:
    """The event's payload.

    Raises:
        UnsupportedContent: neither JSON nor a form.
        InvalidInput: the body is not what its content type says.
    """
    if content_type == JSON:
        return _json(_text(body))
    if content_type == FORM:
        return _json(_form_field(_text(body)))
    raise UnsupportedContent(
        f"{content_type or 'A body without a content type'} is not understood.",
        remedy=f"set the webhook's content type to {JSON} or {FORM}",
    )


def _text(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise InvalidInput(f"The body is not UTF-8: {error.reason} at byte {error.start}.") from None


def _form_field(text: str) -> str:
    try:
        found = parse_qs(text, errors="strict", max_num_fields=_MAX_FORM_FIELDS).get("payload", [])
    except ValueError as error:
        raise InvalidInput(f"The form can't be read: {error}.") from None
    if len(found) != 1:
        raise InvalidInput("The form has no field `payload`, or several.", remedy="send the event's JSON in one")
    return found[0]


def _json(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except RecursionError:
        raise InvalidInput("The JSON is nested too deeply.") from None
    except ValueError as error:
        raise InvalidInput(f"The body is not JSON: {error}.") from None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON value")
