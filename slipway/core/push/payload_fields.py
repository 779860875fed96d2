"""Reads fields of a delivery's JSON value, whoever sent it.

What has another shape than it should is refused by the field's name. Text is read so that a database can store it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from slipway.errors import InvalidInput

REF_LENGTH = 300
MESSAGE_LENGTH = 1000
NAME_LENGTH = 255
REMEDY = "send the push payload of a forge that docs/reference/webhooks.md lists"


def mapping(value: object, what: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InvalidInput(f"{what} is not a JSON object", remedy=REMEDY)
    return value


def items(value: object, what: str) -> list[Any]:
    """Empty when there is none."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise InvalidInput(f"{what} is not a list", remedy=REMEDY)
    return value


def flag(body: Mapping[str, Any], key: str) -> bool:
    value = body.get(key)
    if value is not None and not isinstance(value, bool):
        raise InvalidInput(f"{key} is neither true nor false", remedy=REMEDY)
    return bool(value)


def stored(value: object, what: str, length: int) -> str:
    """Text that is stored unchanged; refused when a database could not store it."""
    if not isinstance(value, str) or not value:
        raise InvalidInput(f"{what} is missing or not text", remedy=REMEDY)
    if len(value) > length:
        raise InvalidInput(f"{what} is longer than {length} characters", remedy=REMEDY)
    if value != free_text(value, length):
        raise InvalidInput(f"{what} holds characters that no name has", remedy=REMEDY)
    return value


def free_text(value: object, length: int) -> str:
    """Text for people: characters that a database can't store (NUL, lone surrogates) are replaced, and it is cut at
    `length`."""
    if not isinstance(value, str):
        return ""
    return value[:length].replace("\0", "�").encode("utf-8", "replace").decode()


def full_ref(value: object, what: str = "ref") -> str:
    """`refs/heads/main`, `refs/tags/v1`, …"""
    ref = stored(value, what, REF_LENGTH)
    if not ref.startswith("refs/") or any(ord(letter) < 33 for letter in ref):
        raise InvalidInput(f"{what} is not a full ref such as refs/heads/main", remedy=REMEDY)
    return ref


def first_text(*candidates: object) -> str:
    """The first that is a name of somebody; empty when none is."""
    return next((free_text(each, NAME_LENGTH) for each in candidates if isinstance(each, str) and each), "")


def field(value: object, key: str) -> object:
    """A field of what may be no object."""
    return value.get(key) if isinstance(value, Mapping) else None
