"""Two answers of an app beside each other: which headers differ, and how one body becomes the other."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

LINES_MOST = 1000
"""Of each body: the time that a comparison takes grows with their square."""
_CONTEXT = 3
_CARRIAGE_RETURN = "\N{SYMBOL FOR CARRIAGE RETURN}"


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """What is kept of an answer. Headers and text are what an app chose."""

    url: str
    status: int
    reason: str
    replica: str
    """Empty: it is not known."""
    app_s: float | None
    edge_s: float | None
    first_byte_s: float
    total_s: float
    headers: tuple[tuple[str, str], ...]
    are_headers_cut: bool
    size_bytes: int
    """Of the body, as much of it as was read."""
    is_read_whole: bool
    digest: str
    """Of the body, as much of it as was read."""
    text: str
    """The body as people read it; empty: there is none, or it is no text."""
    is_text: bool
    is_text_cut: bool


class Body(Enum):
    """How two bodies compare."""

    NONE = "none"
    SAME = "same"
    SAME_LAID_OUT = "same_laid_out"
    """They have the same text once JSON is laid out."""
    SAME_BEGINNING = "same_beginning"
    """They have the same text as far as it is kept."""
    NO_TEXT = "no_text"
    """They differ, and at least one is no text."""
    DIFFERENT = "different"


@dataclass(frozen=True, slots=True)
class HeaderChange:
    name: str
    first: tuple[str, ...]
    """Its values; none: the first answer does not have it."""
    second: tuple[str, ...]

    @property
    def kind(self) -> str:
        if not self.first:
            return "added"
        return "changed" if self.second else "removed"


@dataclass(frozen=True, slots=True)
class DiffLine:
    kind: str
    """`added`, `removed`, `same`, or `place` for where the lines that follow stand."""
    text: str


@dataclass(frozen=True, slots=True)
class Comparison:
    headers: list[HeaderChange]
    body: Body
    diff: list[DiffLine]
    is_diff_cut: bool
    """The bodies go on after what was compared."""
    is_same: bool
    """Status, headers and body are."""


def compare(first: KeptAnswer, second: KeptAnswer) -> Comparison:
    headers = _header_changes(first.headers, second.headers)
    body = _body(first, second)
    one, other = _lines(first.text), _lines(second.text)
    are_headers_same = not headers and not (first.are_headers_cut or second.are_headers_cut)
    return Comparison(
        headers=headers,
        body=body,
        diff=_diff(one[:LINES_MOST], other[:LINES_MOST]) if body is Body.DIFFERENT else [],
        is_diff_cut=first.is_text_cut or second.is_text_cut or max(len(one), len(other)) > LINES_MOST,
        is_same=first.status == second.status and are_headers_same and body in (Body.NONE, Body.SAME),
    )


def _header_changes(first: Iterable[tuple[str, str]], second: Iterable[tuple[str, str]]) -> list[HeaderChange]:
    """In the order in which they come; names differ by more than the size of their letters."""
    one, other = _values(first), _values(second)
    names = {name.lower(): name for name, _ in (*second, *first)}
    changes = [HeaderChange(names[each], one.get(each, ()), other.get(each, ())) for each in one | other]
    return [each for each in changes if each.first != each.second]


def _values(headers: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    values: dict[str, tuple[str, ...]] = {}
    for name, value in headers:
        values[name.lower()] = (*values.get(name.lower(), ()), value)
    return values


def _body(first: KeptAnswer, second: KeptAnswer) -> Body:
    if first.digest == second.digest and first.is_read_whole and second.is_read_whole:
        return Body.SAME if first.size_bytes else Body.NONE
    if not (first.is_text and second.is_text):
        return Body.NO_TEXT
    if first.text != second.text:
        return Body.DIFFERENT
    return Body.SAME_BEGINNING if first.is_text_cut or second.is_text_cut else Body.SAME_LAID_OUT


def _lines(text: str) -> list[str]:
    return [line.replace("\r", _CARRIAGE_RETURN) for line in text.split("\n")]


def _diff(first: Sequence[str], second: Sequence[str]) -> list[DiffLine]:
    """A unified diff, without the lines that would name two files. Empty: what differs comes after these lines."""
    lines = list(difflib.unified_diff(first, second, n=_CONTEXT, lineterm=""))[2:]
    return [_diff_line(line) for line in lines]


def _diff_line(line: str) -> DiffLine:
    return DiffLine({"+": "added", "-": "removed", "@": "place"}.get(line[0], "same"), line)
