"""Debian's packages that Python packages are compiled with or load while they run: a table, a row a Python package.

Only packages that come without a compiled wheel for Linux, or whose wheel lacks a library, have a row. An older release
than the Python that is taken has no wheel for it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from slipway.core.build.templates.of_python.project import Project
from slipway.core.build.templates.steps import shell


@dataclass(frozen=True, slots=True)
class Needs:
    """A row: how requirements name the Python package, and what it needs."""

    name: str
    packages: str
    is_compiled: bool = False
    unless: str = ""
    """An extra with which it comes compiled."""
    versions: str = ""
    """What follows the name where only some versions need it."""


NEEDS: tuple[Needs, ...] = (
    Needs("psycopg2", "libpq-dev", is_compiled=True),
    Needs(
        "psycopg2-binary", "libpq-dev", is_compiled=True, versions=r"[ ]{0,3}==[ ]{0,3}2\.(?:[0-8]|9)(?:\.\d)?(?![\d.])"
    ),
    Needs("psycopg", "libpq5", unless="binary"),
    Needs("mysqlclient", "default-libmysqlclient-dev pkg-config", is_compiled=True),
    Needs("uwsgi", "", is_compiled=True),
    Needs("python-ldap", "libldap2-dev libsasl2-dev", is_compiled=True),
    Needs("pygraphviz", "libgraphviz-dev pkg-config", is_compiled=True),
    Needs("pycairo", "libcairo2-dev pkg-config", is_compiled=True),
    Needs("pyodbc", "unixodbc"),
    Needs("weasyprint", "libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0"),
    Needs("cairosvg", "libcairo2"),
    Needs("python-magic", "libmagic1"),
    Needs("opencv-python", "libgl1 libglib2.0-0"),
)
_COMPILER = "gcc libc6-dev"
_HEADERS = (
    'test -e "$(python -c \'import sysconfig; print(sysconfig.get_path("include"))\')/Python.h" || '
    "apt-get install -y --no-install-recommends python3-dev"
)
"""Debian's own Python has its headers in a package; the official image has them beside it."""


def steps(project: Project) -> list[str]:
    """The step that installs what the listed packages need; none where they need nothing."""
    needed = _needed(project)
    if not needed:
        return []
    is_compiled = any(row.is_compiled for row in needed)
    names = {name for row in needed for name in row.packages.split()} | set(_COMPILER.split() if is_compiled else ())
    install = f"apt-get install -y --no-install-recommends {' '.join(sorted(names))}"
    lines = ["apt-get update", install, *([_HEADERS] if is_compiled else []), "rm -rf /var/lib/apt/lists/*"]
    return [shell("; ".join(lines))]


def notes(project: Project) -> list[str]:
    """Lines for the log."""
    return [f"{row.name} needs {row.packages or 'a compiler'}, which is installed" for row in _needed(project)]


def _needed(project: Project) -> list[Needs]:
    listed = project.listed()
    return [row for row in NEEDS if re.search(_pattern(row), listed, re.IGNORECASE)]


def _pattern(row: Needs) -> str:
    unless = rf"(?!\[[^\]\n]{{0,80}}\b{row.unless}\b)" if row.unless else ""
    return rf"(?<![\w.-]){re.escape(row.name)}(?![\w-]){unless}{row.versions}"
