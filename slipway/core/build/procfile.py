"""A Procfile: one process a line, `web: gunicorn --bind 0.0.0.0:$PORT app:app`."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import Any

from slipway.core.naming import validation
from slipway.errors import InvalidInput

FILE_NAME = "Procfile"
RELEASE = "release"
_LINE = re.compile(r"(?P<name>[A-Za-z0-9_-]+):\s*(?P<command>.+)")
# What only a shell understands, so that `exec` before it would run just the first part.
_COMPOUND = re.compile(r"[;&|<>\n()`]|^\s*[A-Za-z_]\w*=|^\s*(?:cd|exec|if|for|while|export|set)\b")


def parse(content: bytes) -> dict[str, str]:
    """Process → its line.

    Raises:
        InvalidInput: names the line that is not `name: command`.
    """
    processes: dict[str, str] = {}
    for number, line in enumerate(content.decode("utf-8-sig", "replace").splitlines(), start=1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        match = _LINE.fullmatch(text)
        if not match:
            raise InvalidInput(f"{FILE_NAME} line {number} is not `name: command`", remedy="write web: <command>")
        name = match["name"].lower().replace("_", "-")
        processes[validation.slug(name, "process's name")] = match["command"]
    return processes


def argv(command: str) -> list[str]:
    """How a Procfile's line runs in the app's own container: by its shell, which knows `$PORT`, and makes way at once
    where the line is a single command, so that signals reach the app."""
    return ["sh", "-c", command if _COMPOUND.search(command) else f"exec {command}"]


def command_line(command: str) -> str:
    """The same as one line, to be split like a shell splits words."""
    return shlex.join(argv(command))


def below(settings: Mapping[str, Any], processes: Mapping[str, str]) -> dict[str, Any]:
    """An app's settings with the Procfile's command lines below them, process by process. As at Heroku, `release` is no
    process that runs on: it is the command before each deployment."""
    found = dict(processes)
    pre_deploy = settings.get("pre_deploy") or found.pop(RELEASE, None)
    merged = {name: {"command": command} for name, command in found.items() if name != RELEASE}
    for name, process in settings.get("processes", {}).items():
        merged[name] = merged.get(name, {}) | process
    return {
        **settings,
        **({"processes": merged} if merged else {}),
        **({"pre_deploy": pre_deploy} if pre_deploy else {}),
    }
