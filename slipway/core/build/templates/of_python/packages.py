"""Whether a project with a build system holds a package that can be installed, by the rules of the build systems."""

from __future__ import annotations

import re
from collections.abc import Callable

from slipway.core.build.templates.of_python.project import Project

_NO_PACKAGES = frozenset(
    (
        *("ci", "bin", "debian", "doc", "docs", "documentation", "manpages", "news", "newsfragments", "changelog"),
        *("test", "tests", "unit_test", "unit_tests", "example", "examples", "scripts", "tools", "util", "utils"),
        *("python", "build", "benchmark", "benchmarks", "exercise", "exercises", "htmlcov", "node_modules"),
    )
)
"""Folders that setuptools leaves out."""
_NO_MODULES = frozenset(
    (
        *("setup", "conftest", "test", "tests", "example", "examples", "build", "toxfile", "noxfile", "pavement"),
        *("dodo", "tasks", "fabfile"),
    )
)
_LISTS_PACKAGES: tuple[tuple[str, ...], ...] = (
    ("tool", "hatch", "build"),
    ("tool", "flit", "module"),
    ("tool", "pdm", "build"),
    ("tool", "uv", "build-backend"),
    ("tool", "setuptools", "packages"),
)
"""Tables that say which packages there are."""
_SWITCHES = (("poetry", "package-mode"), ("uv", "package"), ("pdm", "distribution"))
"""What says in [tool.…] whether the project is a package."""
_FROM_VERSION_CONTROL = re.compile(r"setuptools[-_]scm|hatch-vcs|versioningit|dynamic-versioning|setuptools-git")


def is_package(project: Project) -> bool:
    """Is the project itself installed, beside what it depends on?"""
    switches = [project.table("tool", tool).get(switch) for tool, switch in _SWITCHES]
    if False in switches or not (project.table("build-system") or project.has_setup):
        return False
    return is_described(project) or _has_its_package(project) or _is_found(project)


def is_described(project: Project) -> bool:
    """Does a file say which packages there are, or that dependencies are known by building alone?"""
    setuptools = project.table("tool", "setuptools").keys() & {"packages", "py-modules", "package-dir"}
    dynamic = "dependencies" in project.strings("project", "dynamic")
    listed = any(project.table(*names) for names in _LISTS_PACKAGES)
    return bool(setuptools or dynamic or listed or project.table("tool", "poetry").get("packages") or project.has_setup)


def name_of(project: Project) -> str:
    """The name of the project's package."""
    name = project.table("project").get("name") or project.table("tool", "poetry").get("name") or ""
    return re.sub(r"[-.]", "_", str(name))


def version_from_git(project: Project) -> list[str]:
    """What gives a version to a project that takes its own from git, which no build has."""
    requires = " ".join(project.strings("build-system", "requires"))
    is_scm = project.table("tool", "pdm", "version").get("source") == "scm"
    if not is_scm and not _FROM_VERSION_CONTROL.search(requires):
        return []
    return ["env", "SETUPTOOLS_SCM_PRETEND_VERSION=0.0.0", "PDM_BUILD_SCM_VERSION=0.0.0"]


def _has_its_package(project: Project) -> bool:
    name = name_of(project)
    places = tuple(f"{folder}{name}" for folder in ("", "src/"))
    return bool(name) and any(
        path.endswith(".py") and path.startswith(tuple(f"{place}{end}" for place in places for end in ("/", ".py")))
        for path in project.sources.paths
    )


def _is_found(project: Project) -> bool:
    backend = str(project.table("build-system").get("build-backend", "setuptools.build_meta"))
    return next((finds(project) for name, finds in _FINDERS if backend.startswith(name)), True)


def _setuptools_finds(project: Project) -> bool:
    """setuptools looks for one package, or for one module, and refuses several."""
    paths = project.sources.paths
    if any(path.startswith("src/") and path.endswith(".py") for path in paths):
        return True
    folders = {path.partition("/")[0] for path in paths if "/" in path}
    packages = {folder for folder in folders if folder.isidentifier() and folder.lower() not in _NO_PACKAGES}
    modules = {path[:-3] for path in paths if path.endswith(".py") and "/" not in path} - _NO_MODULES
    return len(packages) == 1 or (not packages and len(modules) <= 1)


def _finds_nothing_else(_project: Project) -> bool:
    return False


_FINDERS: tuple[tuple[str, Callable[[Project], bool]], ...] = (
    ("setuptools", _setuptools_finds),
    ("poetry", _finds_nothing_else),
    ("hatchling", _finds_nothing_else),
    ("flit", _finds_nothing_else),
    ("uv_build", _finds_nothing_else),
    ("pdm", _setuptools_finds),
)
