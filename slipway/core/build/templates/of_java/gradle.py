"""Java and Kotlin projects that Gradle builds."""

from __future__ import annotations

import posixpath
import re

from slipway.core.build.templates.of_java.program import PORT, PROGRAM, JavaBuild, jar, picked, started_module
from slipway.core.build.templates.processes import has_web, of_procfile
from slipway.core.build.templates.steps import copy, shell
from slipway.core.build.templates.template import BaseImages, Sources

MANIFESTS = ("build.gradle", "build.gradle.kts", "settings.gradle", "settings.gradle.kts")
READS = (*MANIFESTS, "*/build.gradle", "*/build.gradle.kts")
WRAPPER = "gradle/wrapper/gradle-wrapper.jar"
_BOOT = re.compile(r"org\.springframework\.boot[\"')]|libs\.plugins\.spring\.?[bB]oot|alias\(libs\.plugins\.boot\)")
_APPLICATION = re.compile(
    r"\bid[ (]+[\"'](?:application|io\.ktor\.plugin|io\.micronaut\.application)[\"']|^[ \t]*+application[ \t]*+$"
    r"|apply plugin:[ \t]*+[\"']application[\"']|alias\(libs\.plugins\.ktor\)",
    re.MULTILINE,
)
_QUARKUS = re.compile(r"\bid[ (]+[\"']io\.quarkus[\"']")
_INSTALLED = "installed/"


def build(sources: Sources, images: BaseImages) -> JavaBuild:
    """How Gradle builds the project: with its own wrapper, where it has one.

    Raises:
        InvalidInput: it makes several programs.
    """
    module = _module(sources)
    task, start, kept, finish = _program(sources, module)
    if of_procfile(sources) or has_web(sources):
        kept = [*kept, f"{posixpath.join(module, 'build')}/"]
    return JavaBuild(_steps(sources, images, _path(module, task), finish), start, kept)


def _module(sources: Sources) -> str:
    scripts = {path: text for path, text in sources.contents.items() if posixpath.basename(path) in MANIFESTS[:2]}
    signs = (_BOOT, _APPLICATION, _QUARKUS)
    showing = [path for path, text in scripts.items() if any(_applies(sign, text) for sign in signs)]
    return started_module(sources, showing)


def _applies(sign: re.Pattern[str], text: str) -> bool:
    """A plugin that is listed with `apply false` is for other modules."""
    return any(sign.search(line) and "apply false" not in line for line in text.splitlines())


def _program(sources: Sources, module: str) -> tuple[str, str, list[str], str]:
    """The task, the command that starts what it makes, the paths that the command needs, and what is done after it."""
    text = "\n".join(sources.contents.get(posixpath.join(module, name), "") for name in MANIFESTS[:2])
    made = posixpath.join(module, "build")
    if _applies(_BOOT, text):
        return "bootJar", jar(), [PROGRAM], picked(f"{made}/libs")
    if _applies(_QUARKUS, text):
        return "quarkusBuild", jar(f"{made}/quarkus-app/quarkus-run.jar"), [f"{made}/quarkus-app/"], ""
    if _applies(_APPLICATION, text):
        program = f'env JAVA_OPTS="{PORT}" {_INSTALLED}bin/start'
        return "installDist", program, [_INSTALLED], _installed(f"{made}/install")
    return "build", "", [], ""


def _installed(folder: str) -> str:
    """The shell's lines that give the installed program a name that does not depend on the project's."""
    return (
        f'set -- {folder}/*; cp -R "$1" {_INSTALLED}; cd {_INSTALLED}bin; '
        "ln -s \"$(ls | grep -v '\\.bat$' | head -n 1)\" start"
    )


def _path(module: str, task: str) -> str:
    return f":{module.replace('/', ':')}:{task}" if module else task


def _steps(sources: Sources, images: BaseImages, task: str, finish: str) -> list[str]:
    has_wrapper = {"gradlew", WRAPPER} <= sources.paths
    gradle = "sh ./gradlew" if has_wrapper else "gradle"
    build_line = f"{gradle} --no-daemon --console=plain {task} -x test"
    return [
        *(
            []
            if has_wrapper
            else [f"COPY --from={images.gradle} /opt/gradle /opt/gradle", "ENV PATH=/opt/gradle/bin:$PATH"]
        ),
        copy("."),
        shell("; ".join(filter(None, (build_line, finish))), "/root/.gradle"),
    ]
