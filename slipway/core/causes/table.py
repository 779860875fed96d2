"""A table of causes: a sign in what was printed, the sentence that names the cause, and what fixes it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cause:
    """Why something failed, as its owner reads it."""

    sentence: str
    """Completes `replica web.1 ended with exit code 1: …`; no full stop."""
    remedy: str
    """What fixes it, one way on each line; a command stands at a line's end."""


@dataclass(frozen=True, slots=True)
class Sign:
    """A row of a table. `{0}`, `{1}` in its texts are the pattern's groups that matched."""

    pattern: re.Pattern[str]
    sentence: str
    remedy: str

    def cause(self, match: re.Match[str]) -> Cause:
        found = [group for group in match.groups() if group is not None]
        return Cause(self.sentence.format(*found), self.remedy.format(*found))


def sign(pattern: str, sentence: str, remedy: str) -> Sign:
    """A row; its pattern sees several lines, and `^` and `$` are the ends of one."""
    return Sign(re.compile(pattern, re.MULTILINE), sentence, remedy)


LONGEST_LINE = 500


def read_of(lines: Iterable[str]) -> str:
    """What of the lines is searched. Whoever deploys chooses what is printed, some patterns take the square of a line's
    or a blank's length, and all threads wait meanwhile."""
    return "\n".join(line[:LONGEST_LINE].rstrip() for line in lines)


Found = tuple[int, Cause]
"""A cause, and where in the output its sign ends."""


def last_found(rows: Iterable[Sign], printed: str) -> Found | None:
    """The cause whose sign ends last: what a program says before it dies explains more than what it said earlier. Of
    two that end together, that of the row that stands before."""
    best: Found | None = None
    for row in rows:
        for match in row.pattern.finditer(printed):
            if best is None or match.end() > best[0]:
                best = match.end(), row.cause(match)
    return best


def last_cause(rows: Iterable[Sign], printed: str) -> Cause | None:
    """As `last_found`, without the place."""
    found = last_found(rows, printed)
    return found[1] if found else None
