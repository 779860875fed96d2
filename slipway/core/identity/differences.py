"""What is wanted compared with what is there, as plain values of JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

SECRET = "secret"  # noqa: S105  the name of a field
_HIDDEN = "(hidden)"


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as it has to be."""

    where: str
    """What it is of, such as `client slipway-router`."""
    what: str
    """Which part of that, such as `redirectUris`; empty: all of it."""
    found: Any
    """None: there is none."""
    wanted: Any
    left: str = ""
    """Why it stays as it is; empty: it can be repaired."""

    @property
    def sentence(self) -> str:
        if self.left:
            return f"{self.where}: {self.left}"
        if not self.what:
            return f"{self.where}: missing"
        return f"{self.where}: {self.what} is {_shown(self.found)}, not {_shown(self.wanted)}"


def missing(where: str) -> Difference:
    return Difference(where, "", None, True)


def differences(where: str, wanted: Mapping[str, Any], found: Mapping[str, Any]) -> list[Difference]:
    """Each field of `wanted` that is another one in `found`. What `found` has beside them is nobody's concern.

    Mappings are compared field by field, lists as sets. A field that is wanted empty may be missing.
    """
    return [
        Difference(where, what, _HIDDEN if what == SECRET else there, _HIDDEN if what == SECRET else here)
        for what, here, there in _differing(wanted, found, "")
    ]


def merged(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, Any]:
    """`found` with every field of `wanted` in place of its own."""
    fields = {
        name: merged(value, found.get(name) or {}) if isinstance(value, Mapping) else value
        for name, value in wanted.items()
    }
    return {**found, **fields}


def _differing(wanted: Mapping[str, Any], found: Mapping[str, Any], above: str) -> Iterator[tuple[str, Any, Any]]:
    for name, value in wanted.items():
        there = found.get(name)
        if isinstance(value, Mapping):
            yield from _differing(value, there or {}, f"{above}{name}.")
        elif not _same(value, there):
            yield f"{above}{name}", value, there


def _same(wanted: Any, found: Any) -> bool:
    if isinstance(wanted, list):
        return sorted(wanted) == sorted(found or [])
    return bool(wanted == found or (wanted in ("", None) and found in ("", None)))


def _shown(value: Any) -> str:
    if value is None:
        return "not set"
    if isinstance(value, bool):
        return "on" if value else "off"
    return ", ".join(map(str, value)) or "empty" if isinstance(value, list) else str(value) or "empty"
