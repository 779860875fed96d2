"""What the address of a page asks for: words, a state, an order, a page. What can't be read counts as not given: an
address is shown as well as it can be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar
from urllib.parse import urlencode

from router.usecases.finding import NUMBER_MAX

_WORDS_MOST = 200
_PAGES_MOST = 10_000
Value = TypeVar("Value", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Asked:
    """`kept`: what an address with something else in it keeps; the page is not among it."""

    path: str
    given: Mapping[str, str]
    kept: Sequence[str]

    def text(self, name: str) -> str:
        return self.given.get(name, "")[:_WORDS_MOST]

    def one_of(self, name: str, values: type[Value]) -> Value | None:
        given = self.given.get(name, "")
        return values(given) if given in set(values) else None

    def number(self, name: str) -> int:
        given = self.given.get(name, "")
        return min(int(given), _PAGES_MOST) if given.isascii() and given.isdecimal() and len(given) < 6 else 1

    def address(self, **changed: Any) -> str:
        """Of the same page, with something else asked for: its first part, unless a page is named."""
        return self.address_of(self.path, **changed)

    def address_of(self, path: str, **changed: Any) -> str:
        """What is asked for, of another path."""
        asked = {name: self.given[name] for name in self.kept if name in self.given} | changed
        said = urlencode({name: value for name, value in asked.items() if value not in ("", None)})
        return f"{path}?{said}" if said else path


def row_number(text: str) -> int | None:
    """None: it is none, and counts as not given."""
    return min(int(text), NUMBER_MAX) if text.isascii() and text.isdecimal() and len(text) < 12 else None
