"""A form for an app's settings, made from the schema of slipway.toml: what is added to the model is in the form."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from slipway.core.app_settings.settings_schema import schema
from slipway.errors import InvalidInput

ELSEWHERE = frozenset({"app", "processes", "volumes", "limits", "access"})
"""Of the command; tables that slipway.toml has; and what has a page of its own."""
_TABLE = "object"
_REF = "#/$defs/"


@dataclass(frozen=True, slots=True)
class Setting:
    name: str
    """Dotted: `resources.memory_mb`."""
    kind: str
    """`integer`, `number`, `string`, `boolean`, `choice` or `list`."""
    about: str
    default: str
    """Empty: the platform's, or none."""
    choices: tuple[str, ...] = ()
    least: float | None = None
    most: float | None = None
    is_of_numbers: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    name: str
    """Empty: settings of no table."""
    about: str
    settings: tuple[Setting, ...]


@cache
def groups() -> tuple[Group, ...]:
    """Those of no table first, then each table with its own."""
    whole = schema()
    plain, tables = [], []
    for name, part in whole["properties"].items():
        resolved = _resolved(part, whole)
        if name in ELSEWHERE:
            continue
        if resolved.get("type") == _TABLE:
            fields = {f"{name}.{each}": _resolved(field, whole) for each, field in _fields(resolved)}
            inner = (_setting(each, field) for each, field in fields.items() if field.get("type") != _TABLE)
            tables.append(Group(name, resolved.get("description", ""), tuple(inner)))
        else:
            plain.append(_setting(name, resolved))
    return (Group("", "", tuple(plain)), *tables)


def value_of(settings: Mapping[str, Any], name: str) -> str:
    """As the form's field has it; empty: the settings say nothing of it."""
    found: Any = settings
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    if isinstance(found, list | tuple):
        return "\n".join(map(str, found))
    return "" if found is None else json.dumps(found) if isinstance(found, bool) else str(found)


def patch(settings: Mapping[str, Any], given: Mapping[str, str]) -> dict[str, Any]:
    """The merge patch (RFC 7396) from what the settings say to what the form says. A field that was emptied is taken
    out; one that is as it was is left alone.

    Raises:
        InvalidInput: a text is no number where one is asked for.
    """
    made: dict[str, Any] = {}
    for setting in (each for group in groups() for each in group.settings):
        if setting.name not in given:
            continue
        text = given[setting.name].replace("\r\n", "\n").strip()
        if text != value_of(settings, setting.name):
            _put(made, setting.name, None if text == "" else _value(setting, text))
    return made


def _put(made: dict[str, Any], name: str, value: Any) -> None:
    table, _, key = name.rpartition(".")
    (made.setdefault(table, {}) if table else made)[key] = value


def _value(setting: Setting, text: str) -> Any:
    try:
        if setting.kind == "list":
            lines = [line.strip() for line in text.splitlines() if line.strip()]
            return [int(line) for line in lines] if setting.is_of_numbers else lines
        if setting.kind == "integer":
            return int(text)
        if setting.kind == "number":
            return float(text)
    except ValueError:
        raise InvalidInput(f"{setting.name} is a number, and {text[:40]!r} is none", remedy="give a number") from None
    return text == "true" if setting.kind == "boolean" else text


def _fields(resolved: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    yield from resolved.get("properties", {}).items()


def _resolved(part: Mapping[str, Any], whole: Mapping[str, Any]) -> dict[str, Any]:
    """With what it refers to; its own description goes before."""
    if "$ref" not in part:
        return dict(part)
    return {**whole["$defs"][part["$ref"].removeprefix(_REF)], **part}


def _setting(name: str, part: Mapping[str, Any]) -> Setting:
    kind = "choice" if "enum" in part else "list" if part.get("type") == "array" else str(part.get("type", "string"))
    default = part.get("default")
    return Setting(
        name,
        kind,
        str(part.get("description", "")).replace("\n", " "),
        "" if default in (None, [], ()) else value_of({"default": default}, "default"),
        choices=tuple(part.get("enum", ("true", "false") if kind == "boolean" else ())),
        least=part.get("minimum"),
        most=part.get("maximum"),
        is_of_numbers=part.get("items", {}).get("type") == "integer",
    )
