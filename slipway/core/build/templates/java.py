"""Java projects: Maven or Gradle builds a program, and a runtime without a compiler starts it."""

from __future__ import annotations

import re

from slipway.core.build.templates import base_images
from slipway.core.build.templates.base_images import WantedVersion
from slipway.core.build.templates.of_java import gradle, maven
from slipway.core.build.templates.processes import NoStart, processes
from slipway.core.build.templates.steps import BUILD, copy, stage
from slipway.core.build.templates.template import BaseImages, GeneratedDockerfile, Sources, Template, ending, text

_LEVELS = {
    "pom.xml": r"<(?:java\.version|maven\.compiler\.release|maven\.compiler\.target|maven\.compiler\.source|release)>"
    r"\s*(?:1\.)?(\d{1,9})\s*<",
    "build.gradle": r"(?:JavaLanguageVersion\.of\(|(?:source|target)Compatibility[ \t]*+=?[ \t]*+[\"']?"
    r"(?:JavaVersion\.VERSION_)?)(?:1[._])?(\d{1,9})(?!\d)",
    "build.gradle.kts": r"(?:JavaLanguageVersion\.of\(|jvmToolchain\(|JavaVersion\.VERSION_)(?:1_)?(\d{1,9})(?!\d)",
}
"""Files that say for which release the sources are compiled: a newer one compiles and runs them, too."""
_RUNTIMES = {
    "system.properties": r"^java\.runtime\.version\s*=\s*(?:1\.)?(\d{1,9})(?!\d)",
    ".java-version": r"^(?:[a-z-]+)?(?:1\.)?(\d{1,9})(?!\d)",
    ".sdkmanrc": r"^java\s*=\s*(\d{1,9})(?!\d)",
    ".tool-versions": r"^java[ \t]+(?:[a-z-]+)?(\d{1,9})(?!\d)",
}
"""Files that name the release itself."""
_RELEASES = ("21", "17", "25", "11", "8")
"""Releases that are pulled for older sources, the ones with long support."""
READS = ("Procfile", *maven.READS, *gradle.READS, *_RUNTIMES)
_IGNORED = "**/target\n**/build\n.gradle\n.git\n"
_NO_START = NoStart(
    "a Java project",
    "Spring Boot, Quarkus, or a mainClass in pom.xml; Gradle's application plugin",
    "name the class to start in pom.xml (<mainClass>), or add a Procfile with: web: java -jar target/<name>.jar",
)


def _is_java(sources: Sources) -> bool:
    return maven.POM in sources.paths or bool(sources.paths.intersection(gradle.MANIFESTS))


def _java(sources: Sources, images: BaseImages) -> GeneratedDockerfile:
    wanted = _wanted(sources)
    image = base_images.choose(images.java, wanted, images.host)
    runtime = base_images.choose(images.java_runtime, wanted, images.host)
    tool = maven if maven.POM in sources.paths else gradle
    built = tool.build(sources, images)
    started = processes(sources, built.start, _NO_START)
    lines = [
        stage(image.reference),
        "WORKDIR /app",
        *built.steps,
        f"FROM {runtime.reference}",
        "WORKDIR /app",
        "ENV JAVA_TOOL_OPTIONS=-XX:MaxRAMPercentage=75",
        *(copy(f"/app/{path}", to=f"/app/{path}", stage=BUILD) for path in built.kept),
        *ending(started.argv),
    ]
    notes = (*image.notes, *_unused(sources))
    return GeneratedDockerfile("java", text(lines), _IGNORED, started.command_lines, notes=notes)


def _wanted(sources: Sources) -> WantedVersion | None:
    for name, pattern in _RUNTIMES.items():
        if found := re.search(pattern, sources.contents.get(name, ""), re.MULTILINE):
            return WantedVersion("Java", found[1], name, found[1].__eq__, found[1])
    for name, pattern in _LEVELS.items():
        levels = [int(level) for level in re.findall(pattern, sources.contents.get(name, ""))]
        if levels:
            return _at_least(max(levels), name)
    return None


def _at_least(level: int, where: str) -> WantedVersion:
    def accepts(version: str) -> bool:
        return int(version.partition(".")[0]) >= level

    return WantedVersion("Java", f"{level} or newer", where, accepts, next(filter(accepts, _RELEASES), str(level)))


def _unused(sources: Sources) -> tuple[str, ...]:
    notes = []
    if maven.POM in sources.paths:
        others = sorted(sources.paths & {"mvnw", *gradle.MANIFESTS})
        notes += [f"not used, since the image's own Maven builds: {', '.join(others)}"] if others else []
    elif "gradlew" in sources.paths and gradle.WRAPPER not in sources.paths:
        notes.append(f"gradlew is not used, since {gradle.WRAPPER} is not in the repository")
    return tuple(notes)


JAVA = Template("java", "pom.xml or build.gradle (Java)", READS, _is_java, _java)
