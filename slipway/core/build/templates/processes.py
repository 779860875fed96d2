"""How an app starts: its Procfile, or a command that its files suggest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from slipway.core.app_settings.configuration import WEB
from slipway.core.build import procfile
from slipway.core.build.templates.template import Sources
from slipway.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Processes:
    """What the image runs, and the command line of each process."""

    argv: list[str] | None
    """None: the app's settings have the command."""
    command_lines: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class NoStart:
    """What is said where nothing shows how an app starts."""

    project: str
    looked_for: str
    remedy: str


def of_procfile(sources: Sources) -> dict[str, str]:
    """Process → its command, as the Procfile says it."""
    return procfile.parse(sources.contents.get(procfile.FILE_NAME, "").encode())


def has_web(sources: Sources) -> bool:
    """Do the settings or the Procfile say how `web` starts?"""
    return sources.has_web_command or WEB in of_procfile(sources)


def processes(sources: Sources, guessed: str, otherwise: NoStart) -> Processes:
    """The Procfile's processes; `guessed` starts `web` where it has none.

    Raises:
        InvalidInput: nothing says how `web` starts.
    """
    lines = of_procfile(sources)
    web = lines.get(WEB) or guessed
    if not web and not sources.has_web_command:
        raise InvalidInput(
            f"this is {otherwise.project}, but nothing says how to start it. Looked for: a web line in the Procfile; "
            f"{otherwise.looked_for}",
            remedy=otherwise.remedy,
        )
    ready = {name: procfile.command_line(line) for name, line in (lines | ({WEB: web} if web else {})).items()}
    return Processes(procfile.argv(web) if web else None, ready)
