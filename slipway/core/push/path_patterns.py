"""Matches changed files with the patterns of an app's `paths` setting.

`*` matches any characters within one name, `?` one character, `**` any number of folders, also none. A pattern that
ends in a plain name also matches everything below the folder of that name. A pattern with `!` in front excludes what an
earlier pattern matched; the last pattern that matches decides. Brackets and braces have no special meaning, because
file names have them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache

_ANY_FOLDERS = "**"


def any_matches(paths: Iterable[str], patterns: Sequence[str]) -> bool:
    """Does at least one of `paths` (relative, `/` between names) match?"""
    return any(matches(path, patterns) for path in paths)


def matches(path: str, patterns: Sequence[str]) -> bool:
    """Does `path` match? With excluding patterns alone, all other paths do."""
    matched = bool(patterns) and all(pattern.startswith("!") for pattern in patterns)
    for pattern in patterns:
        excludes = pattern.startswith("!")
        if matched == excludes and _covers(pattern.removeprefix("!"), path):
            matched = not excludes
    return matched


def _covers(pattern: str, path: str) -> bool:
    prefix, segments = _compiled(pattern)
    if not path.startswith(prefix):
        return False
    return _wild(path.split("/"), segments, _ANY_FOLDERS, _name_matches)


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> tuple[str, tuple[str, ...]]:
    """The text that every match begins with, and the pattern's segments; those of a plain name end in `**`."""
    segments: list[str] = []
    for segment in pattern.split("/"):
        segments += _split_stars(segment)
    if not segments or not ("*" in segments[-1] or "?" in segments[-1]):
        segments.append(_ANY_FOLDERS)
    prefix = "/".join(segments).replace("?", "*").partition("*")[0].removesuffix("/")
    return prefix, tuple(segments)


def _split_stars(segment: str) -> list[str]:
    """`**.js` is `**/*.js`, `lib**` is `lib*/**`; two stars in the middle of a name are one."""
    if segment in ("", "."):
        return []
    stem = segment.strip("*")
    if not stem:
        return [_ANY_FOLDERS if len(segment) > 1 else segment]
    parts = [_ANY_FOLDERS] if segment.startswith("**") else []
    parts.append("*" * segment.startswith("*") + stem.replace("**", "*") + "*" * segment.endswith("*"))
    return parts + ([_ANY_FOLDERS] if segment.endswith("**") else [])


def _name_matches(name: str, segment: str) -> bool:
    return _wild(name, segment, "*", lambda letter, wanted: wanted in ("?", letter))


def _wild(items: Sequence[str], pattern: Sequence[str], star: str, same: Callable[[str, str], bool]) -> bool:
    """Match with one kind of wildcard, and backtrack to the last star only. So the number of steps is at most the
    product of both lengths, while a regular expression could be made to run forever."""
    item = part = 0
    last_star, resume = -1, 0
    while item < len(items):
        if part < len(pattern) and pattern[part] == star:
            last_star, resume = part, item
            part += 1
        elif part < len(pattern) and same(items[item], pattern[part]):
            item, part = item + 1, part + 1
        elif last_star >= 0:
            resume += 1
            item, part = resume, last_star + 1
        else:
            return False
    return all(rest == star for rest in pattern[part:])
