"""Ranges of PHP's versions, as Composer writes them."""

from __future__ import annotations

import re

from slipway.core.build.templates.base_images import WantedVersion

MOST_CHARACTERS = 200
"""Of a range of versions; people write far fewer."""
_MINORS = ("8.4", "8.3", "8.2", "8.1", "8.5", "8.0", "7.4")
"""Versions that are pulled for a range."""
_COMPARATOR = re.compile(r"(>=|<=|>|<|\^|~|!=|=)?\s*v?(\d+)(?:\.(\d+|[*xX]))?(\.\d+|\.[*xX])?")


def wanted(text: str, where: str) -> WantedVersion | None:
    """The version of PHP that a file asks for; None where it names none."""
    text = text[:MOST_CHARACTERS]
    if not re.search(r"\d", text):
        return None
    pulled = next((minor for minor in _MINORS if accepts(text, minor)), text)
    return WantedVersion("PHP", text, where, lambda version: accepts(text, version), pulled)


def accepts(wanted: str, version: str) -> bool:
    """Is there a release of this version, such as 8.2, in Composer's range?"""
    return any(_is_in(alternative, version) for alternative in re.split(r"\|\|?", wanted))


def _is_in(alternative: str, version: str) -> bool:
    found = list(_COMPARATOR.finditer(alternative))
    return bool(found) and all(_meets(each, _pair(version)) for each in found)


def _pair(version: str) -> tuple[int, int]:
    major, _, minor = version.partition(".")
    return int(major), int(minor.partition(".")[0] or 0)


def _meets(comparator: re.Match[str], version: tuple[int, int]) -> bool:
    operator, major, minor, patch = comparator.groups(default="")
    bound = (int(major), int(minor) if minor.isdigit() else 0)
    if operator in ("<", "<="):
        return version < bound or (operator == "<=" and version == bound)
    if operator in (">", ">="):
        return version >= bound
    if operator == "^" or (operator == "~" and not patch):
        return version >= bound and version[0] == bound[0]
    return operator == "!=" or (version == bound if minor.isdigit() else version[0] == bound[0])
