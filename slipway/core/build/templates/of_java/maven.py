"""Java projects that Maven builds."""

from __future__ import annotations

import posixpath
import re

from slipway.core.build.templates.of_java.program import PROGRAM, JavaBuild, jar, picked, started_module
from slipway.core.build.templates.processes import has_web, of_procfile
from slipway.core.build.templates.steps import copy, shell
from slipway.core.build.templates.template import BaseImages, Sources
from slipway.errors import InvalidInput

POM = "pom.xml"
READS = (POM, f"*/{POM}")
_WHOLE = re.compile(r"<artifactId>\s*(?:spring-boot-maven-plugin|maven-shade-plugin|maven-assembly-plugin)\s*<")
"""Plugins that put all that a program needs into one archive."""
_QUARKUS = re.compile(r"<artifactId>\s*quarkus-maven-plugin\s*<")
_MAIN = re.compile(r"<(?:mainClass|exec\.mainClass|start-class)>\s*([\w.$]+)\s*<")
_IS_PARENT = re.compile(r"<packaging>\s*pom\s*<")
_IS_WAR = re.compile(r"<packaging>\s*war\s*<")
_SHOWS_PROGRAM = (_WHOLE, _QUARKUS, _MAIN)
_LIBRARIES = "libraries/"
_COPY_LIBRARIES = "dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory=/app/libraries"


def build(sources: Sources, images: BaseImages) -> JavaBuild:
    """How Maven builds the project.

    Raises:
        InvalidInput: it makes an archive for a servlet container, or several programs.
    """
    module = _module(sources)
    start, kept = _program(sources, module)
    if of_procfile(sources) or has_web(sources):
        kept = [*kept, f"{posixpath.join(module, 'target')}/"]
    return JavaBuild(_steps(images, module, kept), start, kept)


def _module(sources: Sources) -> str:
    poms = {path: text for path, text in sources.contents.items() if posixpath.basename(path) == POM}
    showing = [
        path
        for path, text in poms.items()
        if not _IS_PARENT.search(text) and any(sign.search(text) for sign in _SHOWS_PROGRAM)
    ]
    return started_module(sources, showing)


def _program(sources: Sources, module: str) -> tuple[str, list[str]]:
    """The command that starts it, and the paths that the command needs."""
    pom = sources.contents.get(posixpath.join(module, POM), "")
    if _WHOLE.search(pom):
        return jar(), [PROGRAM]
    if _QUARKUS.search(pom):
        folder = posixpath.join(module, "target/quarkus-app")
        return jar(f"{folder}/quarkus-run.jar"), [f"{folder}/"]
    if has_web(sources):
        return "", []
    if _IS_WAR.search(pom):
        raise InvalidInput(
            "pom.xml makes a WAR, which a servlet container has to serve",
            remedy="add spring-boot-maven-plugin, or a Dockerfile that starts from tomcat",
        )
    main = _MAIN.search(pom)
    return (f"java -cp '{PROGRAM}:{_LIBRARIES}*' {main[1]}", [PROGRAM, _LIBRARIES]) if main else ("", [])


def _steps(images: BaseImages, module: str, kept: list[str]) -> list[str]:
    """What Maven fetched is kept beside the layers, so a change of pom.xml fetches only what is new."""
    goals = f"package {_COPY_LIBRARIES}" if _LIBRARIES in kept else "package"
    lines = [f"mkdir -p {_LIBRARIES}", f"mvn --batch-mode --no-transfer-progress -DskipTests {goals}"]
    lines += [picked(posixpath.join(module, "target"))] if PROGRAM in kept else []
    return [
        f"COPY --from={images.maven} /usr/share/maven /usr/share/maven",
        "ENV PATH=/usr/share/maven/bin:$PATH",
        copy("."),
        shell("; ".join(lines), "/root/.m2"),
    ]
