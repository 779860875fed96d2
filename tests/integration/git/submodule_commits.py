"""Commits with submodules, at the forge of a test."""

from __future__ import annotations

from pathlib import Path

from tests.forge import WorkingCopy
from tests.integration.git.conftest import TOKEN, Origin

LIBRARY = "acme/lib"


def published(origin: Origin, folder: Path, name: str, token: str = TOKEN, private: bool = True, **files: str) -> str:
    origin.forge.create_repository(name, private=private, token=token)
    copy = WorkingCopy(folder)
    commit = copy.commit("A library", **files)
    copy.git("push", "--quiet", origin.forge.push_url(name), "HEAD:main")
    return commit


def linked(origin: Origin, commit: str, url: str, path: str = "lib", more: str = "") -> str:
    """A commit of the app with a submodule, pushed."""
    text = f'[submodule "lib"]\n\tpath = {path}\n\turl = {url}\n{more}'
    (origin.copy.path / ".gitmodules").write_text(text)
    origin.copy.git("update-index", "--add", "--cacheinfo", f"160000,{commit},{path}")
    origin.copy.git("add", ".gitmodules")
    origin.copy.git("commit", "--quiet", "-m", "With a library")
    origin.copy.git("push", "--quiet", "--force", origin.forge.push_url(origin.name), "HEAD:main")
    return origin.copy.git("rev-parse", "HEAD")


def repository(origin: Origin, folder: Path, name: str, *, private: bool) -> Origin:
    """Another one at the same forge."""
    origin.forge.create_repository(name, private=private, token=TOKEN)
    return Origin(origin.forge, WorkingCopy(folder), name)


def absolute(origin: Origin, name: str = LIBRARY) -> str:
    return f"{origin.forge.base_url}/{name}.git"
