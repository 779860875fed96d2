"""The files of a Python project, as far as they say what it is: manifests, lock files, and whether it is a package."""

from __future__ import annotations

import configparser
import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from slipway.core.build.templates.template import Sources
from slipway.core.text import toml
from slipway.errors import InvalidInput

PYPROJECT = "pyproject.toml"
REQUIREMENTS = (
    "requirements.txt",
    *(f"requirements/{name}.txt" for name in ("production", "prod", "base", "main", "requirements")),
    *("requirements-prod.txt", "requirements.in"),
)
"""Files of requirements, of which the first that is there is installed."""
_COMMENT = re.compile(r"(?:^|[ \t])#[^\n]*", re.MULTILINE)
_REFERENCE = re.compile(r"^[ \t]*(?:-r|-c|--requirement|--constraint)[ \t=]*(\S+)", re.MULTILINE)
_LOCAL = re.compile(r"^[ \t]*(?:-e|--editable|\.{1,2}/|\.[ \t]*$|\.\[|file:|/)|@ file:", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Project:
    """Its files, with the manifests parsed."""

    sources: Sources
    pyproject: Mapping[str, Any]
    pipfile: Mapping[str, Any]
    setup_cfg: Mapping[str, Mapping[str, str]]
    folders: frozenset[str]
    """Those with a module in or below them."""

    def table(self, *names: str) -> Mapping[str, Any]:
        """A table of pyproject.toml; an empty one where it has none."""
        return _table(self.pyproject, *names)

    def strings(self, table: str, name: str) -> list[str]:
        """A list of texts in a table of pyproject.toml; an empty one where it has none."""
        found = self.table(table).get(name)
        return [str(each) for each in found] if isinstance(found, list) else []

    def pipfile_table(self, name: str) -> Mapping[str, Any]:
        """A table of the Pipfile; an empty one where it has none."""
        return _table(self.pipfile, name)

    @property
    def requirements(self) -> str:
        """The file of requirements that is installed; empty where there is none."""
        return next((name for name in REQUIREMENTS if name in self.sources.paths), "")

    @property
    def has_setup(self) -> bool:
        """Is there a setup.py, or a setup.cfg that describes a package? Many hold settings of tools alone."""
        return "setup.py" in self.sources.paths or bool({"metadata", "options"} & self.setup_cfg.keys())

    def lists(self, package: str) -> bool:
        """Does a manifest name this package?"""
        return re.search(rf"(?<![\w.-]){re.escape(package)}(?![\w-])", self.listed(), re.IGNORECASE) is not None

    def listed(self) -> str:
        """The manifests that list packages, without comments."""
        manifests = [*self.requirement_files(), PYPROJECT, "Pipfile", "setup.py", "setup.cfg"]
        return _COMMENT.sub("", "\n".join(self.sources.contents.get(name, "") for name in manifests))

    def requirement_files(self) -> list[str]:
        """The file of requirements and those that it names with `-r` and `-c`, where they are read."""
        found: dict[str, None] = {}
        left = deque([self.requirements])
        while left:
            path = left.popleft()
            if path in self.sources.contents and path not in found:
                found[path] = None
                folder = path.rpartition("/")[0]
                named = _REFERENCE.findall(self.sources.contents[path])
                left += [re.sub(r"(^|/)\./", r"\1", f"{folder}/{name}".lstrip("/")) for name in named]
        return list(found)

    def requirements_name_sources(self) -> bool:
        """Do the requirements name files or folders of the repository, or files that are not read?"""
        files = self.requirement_files()
        texts = [self.sources.contents[path] for path in files]
        named = sum(len(set(_REFERENCE.findall(text))) for text in texts)
        return any(_LOCAL.search(text) for text in texts) or named > len(files) - 1


def read(sources: Sources) -> Project:
    """The parsed project.

    Raises:
        InvalidInput: a manifest can't be parsed.
    """
    folders = {path.rpartition("/")[0] for path in sources.paths if path.endswith(".py")}
    above = {str(each) for folder in folders for each in (PurePosixPath(folder), *PurePosixPath(folder).parents)}
    return Project(sources, _toml(sources, PYPROJECT), _toml(sources, "Pipfile"), _setup_cfg(sources), frozenset(above))


def _table(found: Any, *names: str) -> Mapping[str, Any]:
    for name in names:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _toml(sources: Sources, name: str) -> Mapping[str, Any]:
    try:
        return toml.values(sources.contents.get(name, ""))
    except ValueError as error:
        raise InvalidInput(f"{name}: {error}", remedy=f"correct {name} and push again") from None


def _setup_cfg(sources: Sources) -> Mapping[str, Mapping[str, str]]:
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(sources.contents.get("setup.cfg", ""))
    except configparser.Error:
        return {}
    return {name: dict(parser[name]) for name in parser.sections()}
