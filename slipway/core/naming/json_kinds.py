"""Values of the kinds that JSON and TOML know: a text is no number, and `true` is none. pydantic alone would take one
for the other, and the API would take more than its document says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import AwareDatetime, BaseModel, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError, PydanticKnownError

GIVEN = "given"
"""The context of a validation of what somebody gives now. What was kept before is read as it is."""
TEXTS = "texts"
"""The context of a validation of a form, where everything is a text."""
_DIGITS, _TIME = re.compile(r"-?[0-9]+"), re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ]")
_FAULTS: dict[Any, Any] = {int: "int_type", float: "float_type", bool: "bool_type"}


class GivenValues(BaseModel):
    """A model whose values have to be of the kinds that it names, where they are validated as `GIVEN`."""

    @field_validator("*", mode="before")
    @classmethod
    def _of_its_kind(cls, value: Any, info: ValidationInfo) -> Any:
        if info.context == GIVEN:
            require_kind(cls, info, value)
        return value


class JsonValues(BaseModel):
    """A model whose values have to be of the kinds that it names, unless they are validated as `TEXTS`."""

    @field_validator("*", mode="before")
    @classmethod
    def _of_its_kind(cls, value: Any, info: ValidationInfo) -> Any:
        if info.context != TEXTS:
            require_kind(cls, info, value)
        return value


class TextValues(BaseModel):
    """A model of texts, such as an address has. A number is written with digits alone, a time as RFC 3339 writes it:
    pydantic would take `1_0` for a number, and a number for a time."""

    @field_validator("*", mode="before")
    @classmethod
    def _as_written(cls, value: Any, info: ValidationInfo) -> Any:
        kinds = set(_leaves(cls.model_fields[info.field_name or ""].annotation))
        if isinstance(value, str) and int in kinds and not _DIGITS.fullmatch(value):
            raise PydanticKnownError("int_parsing")
        if isinstance(value, str) and kinds & {datetime, AwareDatetime} and not _TIME.match(value):
            raise PydanticCustomError("datetime_parsing", "must be a time such as 2026-11-30T08:00:00Z")
        return value


def _leaves(kind: Any) -> Iterator[Any]:
    inner = get_args(kind)
    for each in inner:
        yield from _leaves(each)
    if not inner:
        yield kind


def require_kind(model: type[BaseModel], info: ValidationInfo, value: Any) -> None:
    """Raises what pydantic does of a value that it can't read."""
    found = next(_faults(model.model_fields[info.field_name or ""].annotation, value), None)
    if found is not None:
        raise PydanticKnownError(found)


def _faults(kind: Any, value: Any) -> Iterator[Any]:
    """What of the value is no JSON of that kind. What pydantic never takes for another is left to it."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated:
        yield from _faults(inner[0], value)
    elif origin in (Union, UnionType):
        of_each = [list(_faults(each, value)) for each in inner if each is not NoneType or value is None]
        yield from min(of_each, key=len, default=())
    elif origin in (list, tuple) and isinstance(value, list | tuple):
        for each in value:
            yield from _faults(inner[0], each)
    elif origin is dict and isinstance(value, dict):
        for each in value.values():
            yield from _faults(inner[1], each)
    elif kind in _FAULTS and not _is_of(kind, value):
        yield _FAULTS[kind]


def _is_of(kind: Any, value: Any) -> bool:
    if kind is bool or isinstance(value, bool):
        return kind is bool and (isinstance(value, bool) or not isinstance(value, int | float | str))
    return not isinstance(value, str | bytes)
