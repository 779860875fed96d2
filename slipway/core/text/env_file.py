"""Files of environment variables, `.env`: read as python-dotenv reads them, but for what it would drop without a word:
a line that is no variable is an error that names it. No error holds anything of a value."""

from __future__ import annotations

import codecs
import re

from slipway.core.naming import validation
from slipway.errors import InvalidInput

_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_SPACE = r"[^\S\n]"
_LINE = re.compile(
    rf"""
    {_SPACE}*+
    (?:
      (?:export{_SPACE}+)?
      (?:'(?P<quoted_name>[^'\n]+)' | (?P<name>[^=\#\s']+)) {_SPACE}* = {_SPACE}*+
      (?: (?<={_SPACE})(?=\#)
        | "(?P<double>(?:\\.|[^"\\])*)" | '(?P<single>(?:\\.|[^'\\])*)' | (?P<bare>(?!["'])[^\n]*)
      )
    )?
    {_SPACE}* (?:\#[^\n]*)? (?:\n|\Z)
    """,
    re.VERBOSE | re.DOTALL,
)
_OPENS_QUOTE = re.compile(rf"[^=\#\n]+={_SPACE}*[\"']")
_COMMENT = re.compile(r"\s#")
_IN_DOUBLE, _IN_SINGLE = re.compile(r"\\([\\'\"abfnrtv])"), re.compile(r"\\([\\'])")
_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_LONGEST_SHOWN = 40
"""Of a refused name: what is longer may be a line of a key."""
_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")

_LESS = "put big values into files or a store"
MOST_BYTES = 1 << 20
"""Of a file, and in characters of all its values: more than an app may have."""


def parse(content: bytes) -> dict[str, str]:
    """The file's variables; the last value where a name stands twice.

    Raises:
        InvalidInput: a line can't be read, or has a name that no variable may have; or it is all too much.
    """
    if len(content) > MOST_BYTES:
        raise InvalidInput(f"the file is larger than {MOST_BYTES >> 10} KiB", remedy=_LESS)
    text = _decoded(content).replace("\r\n", "\n").replace("\r", "\n")
    values: dict[str, str] = {}
    position, number, left = 0, 1, MOST_BYTES
    while position < len(text):
        line = _LINE.match(text, position)
        if line is None:
            raise _unreadable(text, position, number)
        name = line["quoted_name"] or line["name"]
        if name:
            value = values[_checked(name, number)] = _value(line, values, number, left)
            left -= len(value)
        number += text.count("\n", position, line.end())
        position = line.end()
    return values


def _decoded(content: bytes) -> str:
    encoding = "utf-16" if content.startswith(_UTF_16) else "utf-8-sig"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InvalidInput(f"line {line} is no text in UTF-8", remedy="save the file as UTF-8") from None


def _unreadable(text: str, position: int, number: int) -> InvalidInput:
    if _OPENS_QUOTE.match(text, position):
        return InvalidInput(
            f"line {number}: the quotes of the value are not closed, or more follows them",
            remedy='close them; in double quotes a quote is written \\"',
        )
    return InvalidInput(
        f"line {number} is not NAME=VALUE", remedy="write NAME= for an empty value, and # before a comment"
    )


def _checked(name: str, number: int) -> str:
    try:
        return validation.variable_name(name)
    except InvalidInput as error:
        is_reserved = len(name) <= _LONGEST_SHOWN and name.isascii() and name.isidentifier()
        why = error.message if is_reserved else "what stands before = can't be a variable's name"
        raise InvalidInput(f"line {number}: {why}", remedy=error.remedy) from None


def _value(line: re.Match[str], earlier: dict[str, str], number: int, most: int) -> str:
    if line["single"] is not None:
        return _IN_SINGLE.sub(r"\1", line["single"])
    if line["double"] is not None:
        return _with_references(_IN_DOUBLE.sub(_unescaped, line["double"]), earlier, number, most)
    bare = line["bare"] or ""
    comment = _COMMENT.search(bare)
    return _with_references(bare[: comment.start() if comment else None].rstrip(), earlier, number, most)


def _unescaped(found: re.Match[str]) -> str:
    return _ESCAPES.get(found[1], found[1])


def _with_references(value: str, earlier: dict[str, str], number: int, most: int) -> str:
    """`${NAME}` is the value of a line above; `${NAME:-default}` may lack it. A few lines could name each other into
    gigabytes: the pieces are measured before they are put together. After the last `}` no reference is searched for,
    since each that begins there would be followed to the end."""
    pieces, position = [], 0
    for found in _REFERENCE.finditer(value, 0, value.rfind("}") + 1):
        pieces += [value[position : found.start()], _referenced(found, earlier, number)]
        position = found.end()
    pieces.append(value[position:])
    if sum(map(len, pieces)) > most:
        raise InvalidInput(f"line {number}: the values up to here are more than {MOST_BYTES >> 10} KiB", remedy=_LESS)
    return "".join(pieces)


def _referenced(found: re.Match[str], earlier: dict[str, str], number: int) -> str:
    name, default = found.groups()
    if name not in earlier and default is None:
        shown = name[:_LONGEST_SHOWN]
        raise InvalidInput(
            f"line {number} refers to {shown}, which no line above sets",
            remedy=f"set {shown} above it, or put the value into single quotes, where ${{…}} stays as it is",
        )
    return earlier.get(name, default)
