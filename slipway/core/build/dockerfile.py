"""Parses a Dockerfile as BuildKit does, so that its references are known before anything runs.

Text that versions of BuildKit parse differently is refused: no reference may be hidden in what one version parses as a
comment, a continuation or the body of a heredoc.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from slipway.errors import InvalidInput

_IN_STAGES = ("ADD", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "HEALTHCHECK", "LABEL", "MAINTAINER", "ONBUILD")
KEYWORDS = frozenset({*_IN_STAGES, "ARG", "FROM", "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR"})
MAX_BYTES = 1 << 20
_WITH_HEREDOC = frozenset({"RUN", "COPY", "ADD", "ONBUILD"})
_DIRECTIVE = re.compile(r"\s*#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=(.+)")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_COMMENT = re.compile(r"\s*#")
_HEREDOC = re.compile(r"\d*<<-?[^<]+")
_PLAIN_HEREDOC = re.compile(r"\d*<<(?P<tabs>-?)(?P<quote>[\"']?)(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?P=quote)")
_AMBIGUOUS = re.compile(r"[\"'\\$`]")

NEWER_FLAGS = {"--link": "1.4", "--checksum": "1.6", "--keep-git-dir": "1.1", "--parents": "1.20", "--exclude": "1.19"}
"""Flags of COPY and ADD that BuildKit's built-in Dockerfile frontend of Docker 20.10 does not know, and since when."""


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction, its continuation lines joined."""

    keyword: str
    flags: tuple[str, ...]
    arguments: str
    line: int

    def flag_values(self, name: str) -> list[str]:
        """The values of `--name=value`, in order; a flag without a value counts as an empty one."""
        split = [flag[2:].partition("=") for flag in self.flags]
        return [value for key, _, value in split if key == name]


@dataclass(frozen=True, slots=True)
class Dockerfile:
    """A parsed Dockerfile. `body` is its text after the directives, which are in `syntax` and `directives`."""

    syntax: str | None
    directives: dict[str, str]
    instructions: tuple[Instruction, ...]
    body: tuple[str, ...] = field(repr=False)
    heredocs: bool = False

    def text(self, *, syntax: str | None) -> str:
        """The Dockerfile's text with this syntax directive, or with none. The line numbers stay the same."""
        kept = [f"# {key}={value}" for key, value in self.directives.items() if key != "syntax"]
        if syntax:
            kept.insert(0, f"# syntax={syntax}")
        left_out = len(self.directives) - len(kept)
        return "\n".join([*kept, *["#"] * left_out, *self.body]).rstrip("\n") + "\n"

    def needs_newer(self) -> list[str]:
        """What the built-in frontend of an old Engine can't parse."""
        flags = {flag.partition("=")[0] for each in self.instructions for flag in each.flags}
        found = [f"{flag} (Dockerfile {NEWER_FLAGS[flag]})" for flag in sorted(flags & NEWER_FLAGS.keys())]
        return found + (["a heredoc (Dockerfile 1.4)"] if self.heredocs else [])


def refuse(line: int, sentence: str, remedy: str) -> InvalidInput:
    """The error for a line of a Dockerfile."""
    return InvalidInput(f"Dockerfile line {line}: {sentence}", remedy=remedy)


def parse(content: bytes) -> Dockerfile:
    """Parse a Dockerfile.

    Raises:
        InvalidInput: it is no Dockerfile, or its meaning depends on BuildKit's version.
    """
    lines = _lines(content)
    directives, start = _directives(lines)
    escape = directives.get("escape", "\\")
    if escape not in ("\\", "`"):
        raise refuse(1, f"{escape[:20]!r} can't be the escape character", "use \\ or `")
    instructions, heredocs = [], False
    reader = _Reader(lines, start, escape)
    for number, text in reader:
        instruction = _instruction(text, number)
        instructions.append(instruction)
        heredocs |= reader.skip_heredocs(instruction.keyword, text, number)
    if not any(each.keyword == "FROM" for each in instructions):
        raise InvalidInput("the Dockerfile has no FROM", remedy="begin it with FROM and the image to start from")
    return Dockerfile(directives.get("syntax"), directives, tuple(instructions), tuple(lines[start:]), heredocs)


def on_build(instruction: Instruction) -> Instruction:
    """The instruction that an ONBUILD holds."""
    return _instruction(instruction.arguments, instruction.line)


def _lines(content: bytes) -> list[str]:
    if len(content) > MAX_BYTES:
        raise InvalidInput("the Dockerfile is larger than 1 MB", remedy="copy files instead of writing them into it")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidInput("the Dockerfile is not UTF-8 text", remedy="save it as UTF-8") from None
    if _CONTROL.search(text):  # also: Go and Python don't agree on which of them are white space
        raise InvalidInput("the Dockerfile has control characters in it", remedy="save it as plain text, in UTF-8")
    return [line.removesuffix("\r") for line in text.split("\n")]


def _directives(lines: list[str]) -> tuple[dict[str, str], int]:
    """The directives at the top, and the index of the first line after them."""
    found: dict[str, str] = {}
    for index, line in enumerate(lines):
        match = _DIRECTIVE.fullmatch(line)
        if not match:
            _no_late_syntax(lines, index)
            return found, index
        key = match[1].lower()
        if key in found:
            raise refuse(index + 1, f"the directive {key} is there twice", "leave one of them out")
        found[key] = match[2].strip() or " "
    return found, len(lines)


def _no_late_syntax(lines: list[str], start: int) -> None:
    """Refuse a `# syntax` line below the top: BuildKit's versions differ in how far down they look for it."""
    for index, line in enumerate(lines[start:], start=start):
        if line.strip() and not _COMMENT.match(line):
            return
        match = _DIRECTIVE.fullmatch(line)
        if match and match[1].lower() in ("syntax", "escape"):
            raise refuse(index + 1, f"# {match[1]}= has to stand at the very top", "move it to the first line")


class _Reader:
    """Yields (line number, logical line), with comments and continuations resolved."""

    def __init__(self, lines: list[str], start: int, escape: str) -> None:
        self._lines = lines
        self._next = start
        self._continued = re.compile(re.escape(escape) + r"[ \t]*$")
        self._ambiguous = re.compile(re.escape(escape) * 2 + r"[ \t]*$")

    def __iter__(self) -> Iterator[tuple[int, str]]:
        while self._next < len(self._lines):
            number = self._next + 1
            text = self._take_instruction()
            if text.strip():
                yield number, text.strip()

    def _take_instruction(self) -> str:
        text, continued = self._take_line()
        while continued and self._next < len(self._lines):
            line = self._lines[self._next]
            if _COMMENT.match(line) or not line.strip():
                self._next += 1
                continue
            more, continued = self._take_line()
            text += more
        return text

    def _take_line(self) -> tuple[str, bool]:
        line = self._lines[self._next]
        self._next += 1
        if _COMMENT.match(line):
            return "", False
        if self._ambiguous.search(line):
            raise refuse(self._next, "a line that ends in two escape characters", "end it in one, or in none")
        return self._continued.sub("", line), self._continued.search(line) is not None

    def skip_heredocs(self, keyword: str, text: str, number: int) -> bool:
        """Skip the bodies of the heredocs that the instruction opens, and say whether there were any."""
        words = [word for word in text.split() if _HEREDOC.fullmatch(word)] if keyword in _WITH_HEREDOC else []
        if not words:
            return False
        plain = [_PLAIN_HEREDOC.fullmatch(word) for word in words]
        before = text[: text.rindex(words[-1])].split()
        others = [word for word in before if not _HEREDOC.fullmatch(word)]
        if not all(plain) or any(_AMBIGUOUS.search(word) for word in others):
            raise refuse(number, "a heredoc after quotes, variables or escapes", "put its <<NAME first on the line")
        for match in plain:
            if match:
                self._skip_to(match["name"], tabs=bool(match["tabs"]), number=number)
        return True

    def _skip_to(self, end: str, *, tabs: bool, number: int) -> None:
        while self._next < len(self._lines):
            line = self._lines[self._next]
            self._next += 1
            if (line.lstrip("\t") if tabs else line) == end:
                return
        raise refuse(number, f"the heredoc {end} has no end", f"close it with a line that says {end}")


def _instruction(text: str, number: int) -> Instruction:
    keyword, rest = (*text.split(maxsplit=1), "")[:2]
    upper = keyword.upper()
    if upper not in KEYWORDS:
        raise refuse(number, f"{keyword[:40]!r} is not an instruction", "see docs.docker.com/reference/dockerfile")
    flags, arguments = _flags(rest.strip())
    return Instruction(upper, flags, arguments.strip(), number)


def _flags(text: str) -> tuple[tuple[str, ...], str]:
    """Split off the leading `--flags`, with BuildKit's rules for quotes and escapes."""
    flags: list[str] = []
    position = 0
    while True:
        while position < len(text) and text[position].isspace():
            position += 1
        if not text.startswith("--", position):
            return tuple(flags), text[position:]
        word, position = _flag_word(text, position)
        if word == "--":
            return tuple(flags), text[position:]
        flags.append(word)


def _flag_word(text: str, position: int) -> tuple[str, int]:
    word, quote = "", ""
    while position < len(text):
        letter = text[position]
        if letter == "\\":
            position += 1
            letter = text[position] if position < len(text) else ""
            word += letter
        elif quote:
            quote, word = ("", word) if letter == quote else (quote, word + letter)
        elif letter in "\"'":
            quote = letter
        elif letter.isspace():
            break
        else:
            word += letter
        position += 1
    return word, position
