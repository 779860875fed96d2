"""Taking secrets out of text before it is kept or shown.

Two nets: the values that are known to be secret (slipway/core/text/secret_values.py says which), in the forms in which
they are usually printed, and the shapes of tokens, of credentials in URLs and headers, and of private keys. A value
shorter than 6 characters is not looked for: it would black out ordinary words. docs/guide/security.md says what is
masked and what is not.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import quote, quote_plus

from slipway.core.access import tokens

MASK = "•••"
SHORTEST = 6
_SURE = 8
"""So much of a secret's beginning at the end of a line is masked at once."""
_SURE_ALONE = 4
"""So much is, where it is the whole line; and so much of a secret that goes on over lines."""
_MOST_OPEN = 64
_PREFIX = re.compile(r"(?P<step>#\d+ )?(?:\d+\.\d+ )?\s*")
_SPECIAL_IN_SHELLS = re.compile(r"([^\w@%+=:,./-])")
_KEY_BEGINS = re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----")
_KEY_GOES_ON = re.compile(r"(?:[A-Za-z0-9+/=]{1,76}|(?:Proc-Type|DEK-Info|Version|Comment|Hash): .*|)")
_KEY_ENDS = "-----END "
_QUOTED = r"[\"']?\s*[:=]\s*[\"']?"
# A prefix that is unique by itself needs no boundary before it: `%20`, a colour or a `\n` that was encoded ends in a
# letter or a digit.
_SHAPES = (
    (re.compile(r"(?<=://)[^/\s:@]*:[^/\s@]+@"), f"{MASK}@"),
    (re.compile(r"(?<=://)(?!git@)[^/\s:@]{20,}@"), f"{MASK}@"),
    (re.compile(r"gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|glpat-[\w-]{20,}"), MASK),
    (re.compile(r"(?:(?<![A-Z0-9])|(?<=%[0-9A-F]{2}))(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Z0-9])"), MASK),
    (re.compile(r"xox[abprs]-[A-Za-z0-9-]{10,}"), MASK),
    (re.compile(r"(?:sk|rk)_live_[A-Za-z0-9]{16,}"), MASK),
    (re.compile(tokens.SHAPE), MASK),
    (re.compile(r"eyJ[A-Za-z0-9_-]{10,1000}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"), MASK),
    (
        re.compile(rf"(authorization{_QUOTED}(?:basic|bearer|token|digest|apikey)\s+)[^\s\"']+", re.IGNORECASE),
        rf"\1{MASK}",
    ),
    (re.compile(rf"(authorization{_QUOTED})[\w.~+/=-]{{16,}}", re.IGNORECASE), rf"\1{MASK}"),
    (re.compile(rf"((?:x-api-key|private-token|x-auth-token){_QUOTED})[^\s\"']{{6,}}", re.IGNORECASE), rf"\1{MASK}"),
    (re.compile(rf"((?:set-)?cookie{_QUOTED})[\w!#$%&*+.^`|~-]+=[^\"'\r\n]*", re.IGNORECASE), rf"\1{MASK}"),
    (re.compile(rf"{_KEY_BEGINS.pattern}.*?(?:-----END [A-Z0-9 ]*KEY(?: BLOCK)?-----|$)", re.DOTALL), MASK),
)


def without_shapes(text: str) -> str:
    """The text without what looks like a secret, where no values are known."""
    for shape, instead in _SHAPES:
        text = shape.sub(instead, text)
    return text


class KnownSecrets:
    """Redacts texts that stand for themselves. Takes less than a `Redactor`, which also looks for beginnings."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._forms = sorted({form for secret in secrets for form in _forms(secret)}, key=len, reverse=True)

    def masked(self, text: str) -> str:
        for form in self._forms:
            text = text.replace(form, MASK)
        return without_shapes(text)


@dataclass(slots=True)
class _Open:
    """What the line before ended within, of one build step."""

    remainders: list[tuple[str, int]] = field(default_factory=list)
    """What is left of a secret, and how much of it came."""
    in_key: bool = False


class Redactor:
    """Redacts a stream of lines. Remembers what a line ends within, so that its rest goes from the next one, too. Lines
    of other build steps may stand between the two."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        forms = {form for secret in secrets for form in _forms(secret)}
        longest_first = sorted(forms, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first))) if forms else None
        self._beginnings = _beginnings(forms)
        self._open: dict[str, _Open] = {}

    def line(self, text: str) -> str:
        """The line without secrets."""
        return self._line(text, self._open)

    def text(self, lines: str) -> str:
        """Several lines at once, which have nothing to do with the stream."""
        states: dict[str, _Open] = {}
        return "\n".join(self._line(each, states) for each in lines.split("\n"))

    def _line(self, text: str, states: dict[str, _Open]) -> str:
        match = _PREFIX.match(text)
        start, step = (match.end(), match["step"] or "") if match else (0, "")
        before = states.pop(step, None) or _Open()
        prefix, body = text[:start], text[start:].rstrip("\r")
        if before.in_key and _KEY_GOES_ON.fullmatch(body):
            states[step] = before
            return prefix + MASK
        remainders, cut = _went_on(body, before.remainders)
        masked = MASK if cut else ""
        tail, more = self._without_beginning(
            self._pattern.sub(MASK, body[cut:]) if self._pattern else body, alone=not cut
        )
        now = _Open([*remainders, *more][:_MOST_OPEN], _KEY_BEGINS.search(body) is not None and _KEY_ENDS not in body)
        if now.remainders or now.in_key:
            states[step] = now
        if before.in_key and body.startswith(_KEY_ENDS):
            return prefix + MASK
        return without_shapes(prefix + masked + tail)

    def _without_beginning(self, text: str, *, alone: bool) -> tuple[str, list[tuple[str, int]]]:
        """Mask the beginning of a secret at the end of the line, and tell what must follow."""
        found: list[tuple[str, int]] = []
        longest = 0
        for form, size in (*self._beginnings.get(text[-2:], ()), *self._beginnings.get(text[-1:], ())):
            if text.endswith(form[:size]):
                found.append((form[size:], size))
                is_sure = size >= _SURE or (alone and size == len(text) and size >= _SURE_ALONE)
                longest = max(longest, size if is_sure else 0)
        found.sort(key=lambda each: -each[1])
        return (text[:-longest] + MASK if longest else text), found


def _went_on(body: str, remainders: Iterable[tuple[str, int]]) -> tuple[list[tuple[str, int]], int]:
    """What is left of secrets that the line goes on with, and how much of the line is theirs."""
    left: list[tuple[str, int]] = []
    cut = 0
    for rest, came in remainders:
        shared = _shared(body, rest)
        if not shared or shared < min(len(rest), len(body)):
            continue
        if came + shared >= _SURE_ALONE:
            cut = max(cut, shared)
        if shared < len(rest):
            left.append((rest[shared:], came + shared))
    return left, cut


def _forms(secret: str) -> set[str]:
    """How a secret may look when it is printed: as it is, line by line, escaped, in hexadecimal, in base64 at any
    offset."""
    whole = secret.strip()
    parts = {whole, *(line.strip() for line in whole.splitlines())}
    forms = {form for part in parts for form in _escaped(part)}
    raw = whole.encode(errors="surrogatepass")
    if len(raw) >= SHORTEST:
        forms |= {raw.hex(), raw.hex().upper()}
    for offset in range(3) if len(raw) >= 9 else ():
        padded = base64.b64encode(b"\0" * offset + raw).decode().rstrip("=")
        inner = padded[(0, 2, 3)[offset] : -1]
        forms |= {inner, inner.replace("+", "-").replace("/", "_")}
    return {form for form in forms if len(form) >= SHORTEST}


def _escaped(text: str) -> set[str]:
    """As in URLs, in JSON, Python and HTML, and as shells quote it."""
    plain = text.encode(errors="replace").decode()
    urls = {quote(plain, safe=""), quote(plain), quote_plus(plain)}
    return {
        text,
        *urls,
        *(re.sub("%[0-9A-F]{2}", lambda each: each[0].lower(), url) for url in urls),
        *(json.dumps(text, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False)),
        repr(text)[1:-1],
        html.escape(text),
        html.escape(text, quote=False),
        _SPECIAL_IN_SHELLS.sub(r"\\\1", text),
        text.replace("'", "'\"'\"'"),
        text.replace("'", "'\\''"),
    }


def _beginnings(forms: Iterable[str]) -> dict[str, list[tuple[str, int]]]:
    """By the last two characters (the last one, of the first): each place within a form where a line may end."""
    found: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for form in forms:
        for size in range(1, len(form)):
            found[form[max(0, size - 2) : size]].append((form, size))
    return dict(found)


def _shared(text: str, rest: str) -> int:
    size = 0
    while size < min(len(text), len(rest)) and text[size] == rest[size]:
        size += 1
    return size
