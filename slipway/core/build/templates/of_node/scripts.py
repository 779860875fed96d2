"""What the scripts of a package run in the end, and the folder of pages that they name."""

from __future__ import annotations

import posixpath
import re

from slipway.core.build.templates.of_node.package import Package

_REFERENCE = re.compile(r"\b(?:npm|yarn|pnpm)(?: run)? (?P<name>[\w:.-]{1,60})(?=\s|$|[;&|])")
"""One script runs another."""
_MOST_REFERENCES = 3
_MOST_CHARACTERS = 2000
_FOLDER = r"(?P<folder>[A-Za-z_.][\w./-]{0,100})(?=\s|$|[;&|])"
_SERVES = re.compile(
    rf"(?:^|[;&|]\s?|npx |/\.bin/)(?:serve|http-server|sirv|light-server) (?:--?[\w-]{{1,40}} ){{0,5}}{_FOLDER}"
)
"""A server of files is given a folder: `serve -s build`."""
_WRITES = r"\b{tool}\b[^;&|]{{0,200}}? --(?:dest|outDir|out-dir|output|output-path|dist-dir)[ =]{folder}"


def whole(package: Package, name: str) -> str:
    """A script with those that it runs in their places."""
    text = package.scripts.get(name, "")
    for _ in range(_MOST_REFERENCES):
        text = _REFERENCE.sub(lambda match: package.scripts.get(match["name"], match[0]), text)[:_MOST_CHARACTERS]
    return text


def folder_of_pages(package: Package, build: str) -> str:
    """The folder that the start script serves, or that the build script's own command gives to the tool of `build`,
    such as `vite build`; empty where they name none inside the project."""
    writes = re.compile(_WRITES.format(tool=re.escape(build.partition(" ")[0]), folder=_FOLDER))
    found = _SERVES.search(whole(package, "start")) or writes.search(whole(package, "build"))
    folder = posixpath.normpath(found["folder"]) if found else ""
    return "" if folder.startswith(".") else folder
