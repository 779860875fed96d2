"""Commands are run without a shell: what only one would understand is refused where it is written."""

from __future__ import annotations

import re
import shlex
from typing import Annotated

from pydantic import AfterValidator, Field, ValidationInfo

from slipway.core.naming.json_kinds import GIVEN

_QUOTED = re.compile(r"\\.|'[^']*'|\"(?:\\.|[^\"\\])*\"", re.DOTALL)
_OPERATOR = re.compile(
    r"(?:(?<=\s)|^)(&&|\|\|?|;|&|\d?>{1,2}&?\S*|<{1,2}\S*)(?=\s|$)"  # a word of its own
    r"|(;)(?=\s|$)"  # at the end of one
    r"|(\$\(|`)"
)
_FIRST_WORD = re.compile(
    r"\s*(cd|export|source|\.|set|unset|ulimit|exec|eval|trap|if|for|while|case|[A-Za-z_]\w*=\S*)(?=\s|$)"
)


def shell_word(command: str) -> str | None:
    """What of a command only a shell would understand; None: nothing, or a shell is named."""
    if shlex.split(command)[1:2] == ["-c"]:
        return None
    unquoted = _QUOTED.sub(lambda match: "q" * len(match[0]), command)
    found = _FIRST_WORD.match(unquoted) or _OPERATOR.search(unquoted)
    return next(group for group in found.groups() if group) if found else None


def in_a_shell(command: str) -> str:
    """The same command, run by a shell."""
    return shlex.join(["sh", "-c", command])


def _checked(text: str, info: ValidationInfo) -> str:
    words = shlex.split(text)
    if not words:
        raise ValueError("a command can't be empty")
    if info.context == GIVEN and (word := shell_word(text)):
        raise ValueError(f"{word!r} is a shell's, and no shell runs a command: write it as {in_a_shell(text)}")
    return text


Command = Annotated[str, Field(max_length=4096), AfterValidator(_checked)]
"""A command as settings have it."""
