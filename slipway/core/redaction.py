"""Taking secrets out of text before it is kept or shown.

Two nets: the values that are known to be secret, in the forms in which they are usually printed, and the shapes of
tokens and of credentials in URLs. A value shorter than 6 characters is not looked for: it would black out ordinary
words.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

MASK = "•••"
SHORTEST = 6
_SPLIT_SHORTEST = 8
_PREFIX = re.compile(r"(?:#\d+ (?:\d+\.\d+ )?)?\s*")
_SHAPES = (
    (re.compile(r"\b([a-z][a-z0-9+.-]*://)[^/\s:@]*:[^/\s@]+@", re.IGNORECASE), rf"\1{MASK}@"),
    (re.compile(r"\b([a-z][a-z0-9+.-]*://)(?!git@)[^/\s:@]{20,}@", re.IGNORECASE), rf"\1{MASK}@"),
    (re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|glpat-[\w-]{20,})"), MASK),
    (re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"), MASK),
    (re.compile(r"\bxox[abprs]-[A-Za-z0-9-]{10,}"), MASK),
    (re.compile(r"\b(?:sk|rk)_live_[A-Za-z0-9]{16,}"), MASK),
    (re.compile(r"\bslp_[A-Za-z0-9_-]{20,}"), MASK),
    (re.compile(r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"), MASK),
    (re.compile(r"(authorization:\s*(?:basic|bearer|token)\s+)\S+", re.IGNORECASE), rf"\1{MASK}"),
)


class Redactor:
    """Redacts a stream of lines. Remembers a secret that a line ends within, so that its rest goes from the next."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        forms = {form for secret in secrets for form in _forms(secret)}
        self._forms = sorted(forms, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, self._forms))) if self._forms else None
        self._rests: list[str] = []

    def line(self, text: str) -> str:
        """The line without secrets."""
        text = self._without_rest(text)
        if self._pattern:
            text = self._pattern.sub(MASK, text)
            text = self._without_beginning(text)
        for shape, instead in _SHAPES:
            text = shape.sub(instead, text)
        return text

    def text(self, lines: str) -> str:
        """Several lines at once."""
        return "\n".join(self.line(each) for each in lines.split("\n"))

    def _without_rest(self, text: str) -> str:
        """Mask what is left of a secret that the line before ended within."""
        rests, self._rests = self._rests, []
        start = match.end() if (match := _PREFIX.match(text)) else 0
        for rest in rests:
            shared = _shared(text[start:], rest)
            if shared and (shared == len(rest) or shared == len(text) - start):
                self._rests = [rest[shared:]] if shared < len(rest) else []
                return text[:start] + MASK + text[start + shared :]
        return text

    def _without_beginning(self, text: str) -> str:
        """Mask the beginning of a secret at the end of the line, and remember what must follow."""
        longest = 0
        for form in self._forms:
            size = _ends_within(text, form)
            if size:
                self._rests.append(form[size:])
                longest = max(longest, size)
        return text[:-longest] + MASK if longest else text


def _forms(secret: str) -> set[str]:
    """How a secret may look when it is printed: as it is, line by line, URL-encoded, in base64 at any offset."""
    whole = secret.strip()
    parts = {whole, *(line.strip() for line in whole.splitlines())}
    forms = {form for part in parts for form in (part, quote(part, safe=""), quote_plus(part), quote(part))}
    raw = whole.encode()
    for offset in range(3) if len(raw) >= 9 else ():
        padded = base64.b64encode(b"\0" * offset + raw).decode().rstrip("=")
        inner = padded[(0, 2, 3)[offset] :][: -1 or None]
        forms |= {inner, inner.replace("+", "-").replace("/", "_")}
    forms.add(repr(whole)[1:-1])
    return {form for form in forms if len(form) >= SHORTEST}


def _ends_within(text: str, form: str) -> int:
    """How much of the form's beginning the text ends with: at least 8 characters, less than all."""
    for size in range(min(len(form) - 1, len(text)), _SPLIT_SHORTEST - 1, -1):
        if text.endswith(form[:size]):
            return size
    return 0


def _shared(text: str, rest: str) -> int:
    size = 0
    while size < min(len(text), len(rest)) and text[size] == rest[size]:
        size += 1
    return size
