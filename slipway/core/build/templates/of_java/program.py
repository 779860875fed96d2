"""What the build tools of Java share: what a build gives, and which module of a project starts."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from dataclasses import dataclass

from slipway.core.build.templates.processes import has_web
from slipway.core.build.templates.template import Sources
from slipway.errors import InvalidInput

PORT = "-Dserver.port=$PORT -Dquarkus.http.port=$PORT -Dmicronaut.server.port=$PORT"
"""The options by which frameworks read their port."""
PROGRAM = "app.jar"
PICKED = (
    "\\( -name '*.jar' -o -name '*.war' \\) ! -name '*-sources.jar' ! -name '*-javadoc.jar' ! -name '*-plain.*' "
    "! -name 'original-*' ! -name '*-tests.jar'"
)
"""The archives of a build that may be the program, as `find` takes it."""


@dataclass(frozen=True, slots=True)
class JavaBuild:
    """The steps of the stage that builds, and what the image gets of it."""

    steps: Sequence[str]
    start: str
    """The command that starts the program; empty where none was found."""
    kept: Sequence[str]
    """Paths below /app; folders end with a slash."""


def jar(path: str = PROGRAM) -> str:
    return f"java {PORT} -jar {path}"


def picked(folder: str) -> str:
    """The shell's line that copies the program from the folder of archives."""
    return f'cp "$(find {folder} -maxdepth 1 {PICKED} | sort | head -n 1)" {PROGRAM}'


def started_module(sources: Sources, manifests: Sequence[str]) -> str:
    """The folder of the module that starts, of those whose manifest shows a program; the root's where none does.

    Raises:
        InvalidInput: there are several.
    """
    folders = sorted({posixpath.dirname(path) for path in manifests}, key=lambda folder: (folder.count("/"), folder))
    if "" in folders or not folders:
        return ""
    if len(folders) > 1 and not has_web(sources):
        raise InvalidInput(
            f"several modules of this Java project can be started: {', '.join(folders[:5])}",
            remedy=f"add a Procfile that names one: web: java -jar {folders[0]}/target/<name>.jar, or a Dockerfile",
        )
    return folders[0]
