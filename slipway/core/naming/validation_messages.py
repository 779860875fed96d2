"""What a model's validation found, in sentences for people: `port must be a whole number`."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError

MOST = 5
"""More faults than these are not listed at once."""
_FIXED = {
    "missing": "is missing",
    "extra_forbidden": "is not a setting",
    "string_type": "must be a text",
    "string_too_short": "can't be empty",
    "finite_number": "must be a number, not nan or infinite",
}
_BY_BEGINNING = {
    "int_": "must be a whole number",
    "float_": "must be a number",
    "bool_": "must be true or false",
    "tuple_": "must be a list",
    "list_": "must be a list",
    "dict_": "must be a table",
    "model_": "must be a table",
}
_BOUNDS = {
    "greater_than_equal": "must be at least {ge}",
    "greater_than": "must be more than {gt}",
    "less_than_equal": "must be at most {le}",
    "less_than": "must be less than {lt}",
    "string_too_long": "may have at most {max_length} characters",
    "too_long": "may have at most {max_length} entries",
    "too_short": "must have at least {min_length} entries",
    "literal_error": "must be {expected}",
}


def _nowhere(_field: Sequence[str]) -> str:
    return ""


def faults(
    error: ValidationError, model: type[BaseModel], place: Callable[[Sequence[str]], str] = _nowhere
) -> list[str]:
    """A sentence a fault, each with its field's name, in the order of the model; at most `MOST`. `place` says where a
    field stands, as the sentence's beginning."""
    found = error.errors(include_url=False, include_input=False)
    listed = [place([str(part) for part in each["loc"]]) + _sentence(each, model) for each in found[:MOST]]
    return listed + ([f"and {len(found) - MOST} more"] if len(found) > MOST else [])


def named(name: str, fault: Mapping[str, Any], said: str = "") -> str:
    """A sentence of the field's name and what is wrong with it; what a check of ours said follows a colon."""
    words = said or predicate(fault)
    return f"{name}: {words}" if words == _as_said(fault) else f"{name} {words}"


def predicate(fault: Mapping[str, Any]) -> str:
    """What is wrong with a field, without the field's name."""
    kind = fault["type"]
    if kind in _FIXED:
        return _FIXED[kind]
    if kind in _BOUNDS:
        bounds = {name: _short(value) for name, value in fault.get("ctx", {}).items()}
        return _BOUNDS[kind].format(**bounds)
    said = next((words for beginning, words in _BY_BEGINNING.items() if kind.startswith(beginning)), "")
    return said or _as_said(fault)


def _as_said(fault: Mapping[str, Any]) -> str:
    return str(fault["msg"]).removeprefix("Value error, ")


def _short(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _sentence(fault: Mapping[str, Any], model: type[BaseModel]) -> str:
    where = ".".join(str(part) for part in fault["loc"] if part != "[key]") or "settings"
    text = named(where, fault)
    if fault["type"] != "extra_forbidden":
        return text
    *tables, last = fault["loc"]
    near = difflib.get_close_matches(str(last), _names(model, tables), n=1)
    return f"{text}; did you mean {'.'.join(map(str, (*tables, *near)))}?" if near else text


def _names(model: type[BaseModel], tables: list[Any]) -> list[str]:
    """The names that are known in a table of the model."""
    at: Any = model
    for part in tables:
        if get_origin(at) is dict:
            at = get_args(at)[1]
        elif isinstance(at, type) and issubclass(at, BaseModel) and part in at.model_fields:
            at = at.model_fields[part].annotation
        else:
            return []
    return list(at.model_fields) if isinstance(at, type) and issubclass(at, BaseModel) else []
