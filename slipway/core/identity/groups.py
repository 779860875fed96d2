"""Which of the groups that are there is the wanted one. A group is known by its mark, so that it can be found again
after somebody renamed it; a name alone could be that of a removed tenant, whose members must not come back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

MARK = "slipway.group"
"""The attribute with a group's mark."""


@dataclass(frozen=True, slots=True)
class Found:
    """The wanted group: `group` is None where it has to be made, and `left` says why it can't be."""

    group: Mapping[str, Any] | None
    left: str = ""


def find(name: str, mark: str, siblings: Iterable[Mapping[str, Any]]) -> Found:
    """The group with that mark; else the one of that name, unless it carries another mark."""
    groups = list(siblings)
    named = next((group for group in groups if group["name"] == name), None)
    marked = next((group for group in groups if mark_of(group) == mark), None)
    if marked is not None and named is not None and marked is not named:
        return Found(None, f"it was renamed to {marked['name']}, and another group took its name: remove or rename one")
    if marked is None and named is not None and mark_of(named):
        return Found(
            None,
            f"its members were given to another tenant of that name: remove the group, or its attribute {MARK} "
            "where they are to be members of this one",
        )
    return Found(marked or named)


def mark_of(group: Mapping[str, Any]) -> str:
    values = (group.get("attributes") or {}).get(MARK) or [""]
    return str(values[0])
