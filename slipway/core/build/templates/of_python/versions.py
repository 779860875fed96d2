"""The version of Python that a project asks for, by the files in which people say it."""

from __future__ import annotations

import re
from collections.abc import Callable

from slipway.core.build.templates.base_images import WantedVersion
from slipway.core.build.templates.of_python.project import Project
from slipway.errors import InvalidInput

PULLED = ("3.12", "3.13", "3.14", "3.15", "3.11", "3.10", "3.9", "3.8", "3.7", "3.6", "2.7")
"""The versions that are tried where no image is here that will do, in this order."""
_NEWEST_RELEASE = 40
_VERSION = re.compile(
    r"(?:python-|cpython[-@]?)?(?P<version>\d{1,3}(?:\.\d{1,3}){0,2})(?:\.[x*]|(?:a|b|rc)\d{1,3}|-dev)?"
)
_OTHERS = re.compile(r"(?:pypy|graalpy|jython|ironpython|stackless|micropython|miniconda|anaconda|mambaforge)", re.I)
_TERM = re.compile(r"(?P<operator>\^|~=|~|>=|<=|===?|!=|>|<|=)? {0,3}v?(?P<version>\d{1,3}(?:\.\d{1,3}){0,3})(?:\.\*)?")
_LONGEST = 80
"""The longest text that is read as a version."""

Version = tuple[int, ...]

_OPERATORS: dict[str, Callable[[Version, Version], bool]] = {
    "==": lambda version, wanted: version[: len(wanted)] == wanted,
    "!=": lambda version, wanted: version[: len(wanted)] != wanted,
    ">=": lambda version, wanted: version >= wanted,
    ">": lambda version, wanted: version > wanted and version[: len(wanted)] != wanted,
    "<=": lambda version, wanted: version[: len(wanted)] <= wanted,
    "<": lambda version, wanted: version[: len(wanted)] < wanted,
    "^": lambda version, wanted: version >= wanted and version[0] == wanted[0],
    "~": lambda version, wanted: version >= wanted and version[:2][: len(wanted)] == wanted[:2],
    "~=": lambda version, wanted: version >= wanted and version[: len(wanted) - 1] == wanted[:-1],
}


def wanted(project: Project) -> tuple[WantedVersion | None, tuple[str, ...]]:
    """The version that the first file of `_FILES` asks for, and lines for the log about others that say another.

    Raises:
        InvalidInput: it asks for another kind of Python.
    """
    found = [(where, text) for where, read in _FILES if (text := read(project)[:_LONGEST])]
    exact = [(where, version) for where, text in found if (version := _exact(where, text))]
    ranges = [(where, text) for where, text in found if where in _RANGES]
    notes = [f"{where} says {text}, which is no version of Python: it is not used" for where, text in found
             if where not in _RANGES and not _exact(where, text)]  # fmt: skip
    asked = (exact + ranges)[:1]
    notes += [f"{where} says Python {text}, and is not used: {asked[0][0]} goes before it"
              for where, text in exact[1:] if text != asked[0][1]]  # fmt: skip
    return (_wanted(*asked[0], is_exact=bool(exact)) if asked else None), tuple(notes)


def _wanted(where: str, text: str, *, is_exact: bool) -> WantedVersion:
    constraint = ".".join(text.split(".")[:2]) if is_exact else text
    pulled = next((version for version in PULLED if accepts(constraint, version)), constraint)
    return WantedVersion("Python", text, where, lambda version: accepts(constraint, version), pulled)


def accepts(constraint: str, version: str) -> bool:
    """Will a version do, any of whose releases the constraint allows? `3.11` stands for all from 3.11.0 on, since the
    name of an image says no more."""
    parts = tuple(int(part) for part in version.split("."))
    return any(_allows(constraint, candidate) for candidate in _releases(parts))


def _releases(parts: Version) -> list[Version]:
    if len(parts) >= 3:
        return [parts[:3]]
    return [release for number in range(_NEWEST_RELEASE) for release in _releases((*parts, number))]


def _allows(constraint: str, version: Version) -> bool:
    """PEP 440's and Poetry's forms; `||` stands between alternatives."""
    alternatives = [list(_TERM.finditer(part)) for part in re.split(r"\|\|?", constraint)]
    return any(all(_holds(term, version) for term in terms) for terms in alternatives)


def _holds(term: re.Match[str], version: Version) -> bool:
    operator = {None: "==", "=": "==", "===": "=="}.get(term["operator"], term["operator"])
    return _OPERATORS[operator or "=="](version, tuple(int(part) for part in term["version"].split(".")))


def _exact(where: str, text: str) -> str:
    """The version of a file that names one version; empty where the text is none, such as the name of an environment.

    Raises:
        InvalidInput: it names another kind of Python.
    """
    if where in _RANGES:
        return ""
    if _OTHERS.match(text):
        raise InvalidInput(
            f"{where} asks for {text}, and only CPython can be built without a Dockerfile",
            remedy=f"name a version of CPython in {where} (3.11), or add a Dockerfile",
        )
    match = _VERSION.fullmatch(text)
    return match["version"] if match else ""


def _first_line(name: str) -> Callable[[Project], str]:
    def read(project: Project) -> str:
        lines = [line.partition("#")[0].strip() for line in project.sources.contents.get(name, "").splitlines()]
        return next(filter(None, lines), "")

    return read


def _tool_versions(project: Project) -> str:
    found = re.search(r"^[ \t]*python[ \t]+(\S+)", project.sources.contents.get(".tool-versions", ""), re.MULTILINE)
    return found[1] if found else ""


def _pipfile(project: Project) -> str:
    requires = project.pipfile_table("requires")
    return str(requires.get("python_full_version") or requires.get("python_version") or "").replace("*", "")


def _requires_python(project: Project) -> str:
    return str(project.table("project").get("requires-python", ""))


def _poetry(project: Project) -> str:
    asked = project.table("tool", "poetry", "dependencies").get("python", "")
    return asked if isinstance(asked, str) and asked != "*" else ""


def _setup_cfg(project: Project) -> str:
    return project.setup_cfg.get("options", {}).get("python_requires", "")


_RANGES = (
    "requires-python in pyproject.toml",
    "[tool.poetry.dependencies] in pyproject.toml",
    "python_requires in setup.cfg",
)
_FILES: tuple[tuple[str, Callable[[Project], str]], ...] = (
    (".python-version", _first_line(".python-version")),
    ("runtime.txt", _first_line("runtime.txt")),
    (".tool-versions", _tool_versions),
    ("Pipfile", _pipfile),
    (_RANGES[0], _requires_python),
    (_RANGES[1], _poetry),
    (_RANGES[2], _setup_cfg),
)
