"""Build variables in a generated Dockerfile: every step that runs a command gets them, as secrets of BuildKit's.

Tools read them from their environment (`PIP_INDEX_URL`, `NPM_TOKEN`), which a secret is put into for that one command.
A secret that no file has is an empty value.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable

_RUN = re.compile(r"^RUN (?P<flags>(?:--\S+ )*)(?P<command>.+)$", re.MULTILINE)


def given(dockerfile: str, names: Iterable[str]) -> str:
    """The Dockerfile, whose every RUN has the variables of these names in its environment."""
    ordered = sorted(names)
    mounts = "".join(f"--mount=type=secret,id={name} " for name in ordered)
    exports = "".join(f'export {name}="$(cat /run/secrets/{name} 2>/dev/null)"; ' for name in ordered)

    def with_variables(match: re.Match[str]) -> str:
        return f"RUN {match['flags']}{mounts}{_after(exports, match['command'])}"

    return _RUN.sub(with_variables, dockerfile) if ordered else dockerfile


def _after(exports: str, command: str) -> str:
    """The command, after the shell has set the variables. An argv with lines in it stays one: a Dockerfile's line can't
    hold them otherwise."""
    if not command.startswith("["):
        return exports + command
    argv = json.loads(command)
    if any("\n" in word for word in argv):
        return json.dumps(["sh", "-c", f'{exports}exec "$@"', "sh", *argv], ensure_ascii=False)
    return f"{exports}exec {shlex.join(argv)}"
