"""Names below which everybody may register their own: the Public Suffix List, as the library brings it along."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList


def is_public(host: str) -> bool:
    """Is this name, in its ASCII form, itself a public suffix, as `com`, `co.uk` and `github.io` are? A single label
    that the list does not know counts as one."""
    return bool(_suffixes().is_public(host))


def registered_domain(host: str) -> str:
    """The part of a name that somebody registered, one label below a public suffix: `example.co.uk` of
    `*.shop.example.co.uk`. The name itself when it is a public suffix."""
    name = host.removeprefix("*.")
    return str(_suffixes().privatesuffix(name) or name)


@cache
def _suffixes() -> PublicSuffixList:
    """Read at the first question: most processes never ask."""
    from publicsuffixlist import PublicSuffixList  # noqa: PLC0415

    return PublicSuffixList()
