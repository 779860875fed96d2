"""Finds the Dockerfile of a commit."""

from __future__ import annotations

from builder.sources.source_tree import SourceTree
from slipway.core.app_settings.model import AppSettings
from slipway.errors import InvalidInput

DOCKERFILE = "Dockerfile"


def find(tree: SourceTree, chosen: AppSettings) -> tuple[str, tuple[str, ...]]:
    """The path of the Dockerfile, and lines for the log about which one it is; an empty path when there is none.

    As docker does, `Dockerfile` goes before `dockerfile`. Any other spelling is used where it is the only one.

    Raises:
        InvalidInput: there are several other spellings, and nothing says which one is meant.
    """
    if chosen.build.dockerfile:
        return chosen.build.dockerfile, ()
    folder = chosen.build.context
    there = tree.named_in_any_case(folder, DOCKERFILE)
    for name in (DOCKERFILE, DOCKERFILE.lower()):
        if name in there:
            others = [other for other in there if other != name]
            return joined(folder, name), (f"{name} is built; {', '.join(others)} is ignored",) if others else ()
    if len(there) > 1:
        raise InvalidInput(
            f"there are {' and '.join(there)}, and nothing says which one is built",
            remedy="keep one of them, or name it in slipway.toml: [build] dockerfile = …",
        )
    return (joined(folder, there[0]), ()) if there else ("", ())


def joined(folder: str, name: str) -> str:
    """The path of a file in a folder of the repository."""
    return name if folder == "." else f"{folder}/{name}"
