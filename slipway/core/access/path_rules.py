"""Which policies a request has to meet, by its path (docs/decisions/0036).

Programs read one path in several ways. So the rules are compared with several readings of it, and the policies of all
readings have to be met: one that loosens takes effect where every reading agrees, one that tightens where any does.
`tests/vectors/access_paths.json` holds this and the edges' Lua to the same results.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_to_bytes

from slipway.core.access.policies import Policy
from slipway.errors import InvalidInput

MOST_RULES = 20
MOST_CHARACTERS = 250
_RULE = re.compile(r"/[A-Za-z0-9._~!$&'()*+,:@=/-]*")
_AMBIGUOUS = re.compile(
    r"%(?:2[35EFef]|5[Cc]|3[BFbf]|[01][0-9A-Fa-f]|[Cc][01])"  # . / # % \ ; ? control characters, overlong UTF-8
    r"|%(?![0-9A-Fa-f]{2})"
    r"|[;\\#\x00-\x20\x7f-\U0010ffff]"
    r"|//|/\.\.?(?=/|\Z)"
)


@dataclass(frozen=True, slots=True)
class PathRule:
    """Another policy for a path and what is below it."""

    path: str
    allow: Policy


@dataclass(frozen=True, slots=True)
class Access:
    """An app's policies."""

    allow: Policy
    """Where no rule matches."""
    paths: tuple[PathRule, ...] = ()

    @property
    def policies(self) -> tuple[Policy, ...]:
        """All of them, each once; the first is the default."""
        return tuple(dict.fromkeys((self.allow, *(rule.allow for rule in self.paths))))

    @property
    def is_public(self) -> bool:
        return all(policy.is_public for policy in self.policies)


@dataclass(frozen=True, slots=True)
class Required:
    """The policies that a request has to meet, all of them, in the order of `Access.policies`."""

    policies: tuple[Policy, ...]
    ambiguous: str = ""
    """What stands in the path that programs read in more than one way; empty: nothing."""


def required(access: Access, raw_path: str) -> Required:
    """By the path as the client sent it; a query may follow."""
    path = raw_path.partition("?")[0]
    if found := ambiguity(path):
        return Required(access.policies, found)
    decoded = unquote_to_bytes(path).decode("latin-1")
    met = {
        _longest_match(access, path),
        _longest_match(access, decoded),
        _longest_match(access, decoded, any_case=True),
    }
    return Required(tuple(policy for policy in access.policies if policy in met))


def ambiguity(path: str) -> str:
    """The first part of a path that can be read in more than one way; empty: there is none."""
    if not path.startswith("/"):
        return path[:1] or "an empty path"
    found = _AMBIGUOUS.search(path)
    return found[0] if found else ""


def check_path(path: str) -> str:
    """Returns a rule's path.

    Raises:
        InvalidInput: it could not be compared without doubt.
    """
    if not _RULE.fullmatch(path) or len(path) > MOST_CHARACTERS or ambiguity(path):
        raise InvalidInput(
            f"{path[:80]!r} can't be the path of a rule",
            remedy=f"begin with /, use at most {MOST_CHARACTERS} letters, digits and . _ ~ ! $ & ' ( ) * + , : @ = -, "
            "but no // and no . or .. as a part: programs differ in how they read the others",
        )
    return path


def check_different(paths: Iterable[str]) -> None:
    """Raises `InvalidInput` when two rules are for one path; upper and lower case make no difference."""
    seen: set[str] = set()
    for path in paths:
        if path.lower() in seen:
            raise InvalidInput(
                f"two of the rules have the path {path}", remedy="keep one of them, with a list in allow"
            )
        seen.add(path.lower())


def entry(access: Access) -> dict[str, Any] | None:
    """For the route table; None: public, which needs no word there."""
    if access.is_public:
        return None
    policies = access.policies
    return {
        "policies": [list(policy.terms) for policy in policies],
        "default": 0,
        "paths": [{"path": rule.path, "policy": policies.index(rule.allow)} for rule in access.paths],
    }


def _longest_match(access: Access, path: str, *, any_case: bool = False) -> Policy:
    """Of a rule that is the path or above it at the end of a segment. The default, where there is none."""
    best, allow = "", access.allow
    compared = path.lower() if any_case else path
    for rule in access.paths:
        above = rule.path.lower() if any_case else rule.path
        if len(above) > len(best) and _is_at_or_below(compared, above):
            best, allow = above, rule.allow
    return allow


def _is_at_or_below(path: str, above: str) -> bool:
    return path == above or path.startswith(above if above.endswith("/") else f"{above}/")
