"""How tables are searched and divided into pages."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


def has_words(texts: Iterable[str], words: str) -> bool:
    """Whether each of the words is in one of the texts, in capitals or not."""
    if not words:
        return True
    said = "\n".join(texts).lower()
    return all(word in said for word in words.lower().split())


@dataclass(frozen=True, slots=True)
class NumberedPage:
    number: int
    last: int
    first: int
    """The place of its first row, from 0."""


def numbered_page(count: int, wanted: int, per_page: int) -> NumberedPage:
    """The wanted page of so many rows; one beyond the last is the last."""
    last = max(1, -(-count // per_page))
    number = min(max(1, wanted), last)
    return NumberedPage(number, last, (number - 1) * per_page)
