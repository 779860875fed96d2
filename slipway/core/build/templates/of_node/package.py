"""What package.json says, and what the files beside it say about the version of Node."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from slipway.core.build.templates.template import Sources
from slipway.errors import InvalidInput

MANIFEST = "package.json"
VERSION_FILES = (".nvmrc", ".node-version", ".tool-versions")
MOST_CHARACTERS = 200
"""Of a range of versions; people write far fewer."""
_LONG_TERM = {"hydrogen": 18, "iron": 20, "jod": 22, "krypton": 24}
_LIFECYCLE = ("preinstall", "install", "postinstall", "prepare")
_NEEDS_NO_SOURCES = re.compile(r"\s*(?:(?:npx )?husky\b[^&|;]*+|true|exit 0)\s*+")
_COMPARATOR = re.compile(r"(>=|<=|>|<|\^|~|=)?\s*v?(\d+|[xX*])(?:\.(\d+|[xX*]))?(?:\.(\d+|[xX*]))?\S*")


@dataclass(frozen=True, slots=True)
class Package:
    """A package.json. Whatever has another type than it should have counts as missing."""

    document: Mapping[str, Any]

    @property
    def scripts(self) -> Mapping[str, str]:
        return self._strings("scripts")

    @property
    def dependencies(self) -> Mapping[str, str]:
        """Those of production and of development."""
        return {**self._strings("devDependencies"), **self._strings("dependencies")}

    @property
    def main(self) -> str:
        return self.text("main").removeprefix("./")

    @property
    def has_workspaces(self) -> bool:
        return bool(self.document.get("workspaces"))

    @property
    def installs_with_sources(self) -> bool:
        """Does the installation need more than the manifests: a script of the project, or a package in a folder?"""
        scripts = [self.scripts[name] for name in _LIFECYCLE if name in self.scripts]
        local = any(
            wanted.startswith(("file:", "link:", "portal:", "./", "../")) for wanted in self.dependencies.values()
        )
        return local or any(not _NEEDS_NO_SOURCES.fullmatch(script) for script in scripts)

    def text(self, name: str, within: str = "") -> str:
        holder = self._strings(within) if within else self.document
        value = holder.get(name, "")
        return value if isinstance(value, str) else ""

    def _strings(self, name: str) -> Mapping[str, str]:
        found = self.document.get(name)
        pairs = found.items() if isinstance(found, dict) else ()
        return {key: value for key, value in pairs if isinstance(value, str)}


def read(sources: Sources, path: str = MANIFEST) -> Package:
    """A package.json of the sources.

    Raises:
        InvalidInput: it is no JSON object.
    """
    try:
        document = json.loads(sources.contents.get(path, ""))
    except (ValueError, RecursionError) as error:
        raise _unreadable(path, str(error)) from None
    if not isinstance(document, dict):
        raise _unreadable(path, "it is no JSON object")
    return Package(document)


def _unreadable(path: str, why: str) -> InvalidInput:
    return InvalidInput(
        f"this is a Node project, and its {path} can't be read: {why}", remedy=f"correct {path} and push again"
    )


def wanted_version(sources: Sources, package: Package) -> tuple[str, str]:
    """The range of Node's versions that the project names, and the file that names it; empty where none does."""
    for name in VERSION_FILES:
        line = _first_version(name, sources.contents.get(name, ""))
        if line:
            return line[:MOST_CHARACTERS], name
    for within in ("volta", "engines"):
        if wanted := package.text("node", within):
            return wanted[:MOST_CHARACTERS], MANIFEST
    return "", ""


def _first_version(name: str, content: str) -> str:
    if name == ".tool-versions":
        found = re.search(r"^(?:nodejs|node)[ \t]+(\S+)", content, re.MULTILINE)
        return found[1] if found else ""
    lines = (line.partition("#")[0].strip() for line in content.splitlines())
    return next(filter(None, lines), "")


def accepts(wanted: str, major: int) -> bool:
    """Is there a version in the range with this major number? Names of Node's long-term releases are read too."""
    wanted = wanted.strip().lower()
    if wanted in ("", "node", "latest", "current", "stable", "lts/*", "lts", "lts/-1", "*"):
        return True
    if wanted.startswith("lts/"):
        return _LONG_TERM.get(wanted.removeprefix("lts/")) == major
    return any(_is_in(alternative, major) for alternative in wanted.split("||"))


def _is_in(alternative: str, major: int) -> bool:
    hyphen = re.fullmatch(r"\s*v?(\d+)\S*\s+-\s+v?(\d+)\S*\s*", alternative)
    if hyphen:
        return int(hyphen[1]) <= major <= int(hyphen[2])
    comparators = list(_COMPARATOR.finditer(alternative))
    return bool(comparators) and all(_meets(each, major) for each in comparators)


def _meets(comparator: re.Match[str], major: int) -> bool:
    operator, first, *others = comparator.groups()
    if not first.isdigit():
        return True
    bound, begins = int(first), not any(part and part.isdigit() and int(part) for part in others)
    if operator == "<":
        return major < bound or (major == bound and not begins)
    if operator == "<=":
        return major <= bound
    if operator == ">":
        is_whole = not others[0]
        return major > bound or (major == bound and not is_whole)
    return major >= bound if operator == ">=" else major == bound
