"""Parses a Procfile: one process on each line, as `web: gunicorn --bind 0.0.0.0:$PORT app:app`."""

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
# Syntax of a shell: `exec` in front of it would run only the first part.
_COMPOUND = re.compile(r"[;&|<>\n()`]|^\s*[A-Za-z_]\w*=|^\s*(?:cd|exec|if|for|while|export|set)\b")


def parse(content: bytes) -> dict[str, str]:
    """Process → its command.

    Raises:
        InvalidInput: a line is not `name: command`.
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
    """The argv that runs a line of a Procfile in the app's container: with a shell, which expands `$PORT`. A single
    command replaces the shell, so that signals reach the app."""
    return ["sh", "-c", command if _COMPOUND.search(command) else f"exec {command}"]


def command_line(command: str) -> str:
    """The same as one line, which is split into words like a shell's."""
    return shlex.join(argv(command))


def below(settings: Mapping[str, Any], processes: Mapping[str, str]) -> dict[str, Any]:
    """An app's settings, with the Procfile's commands for processes that have no command in them. As at Heroku,
    `release` is the command before each deployment, and no process."""
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
