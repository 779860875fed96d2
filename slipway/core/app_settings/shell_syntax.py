"""Commands are run without a shell: what only one would understand is refused where it is written."""

from __future__ import annotations

import re
import shlex

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
