"""An image's own VOLUMEs: which of them can be kept, and which would hide the program that the image brings."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from slipway.core.naming.validation import volume_path
from slipway.errors import InvalidInput

_NOTHING_IS_KEPT_IN = ("/proc", "/sys", "/dev", "/run", "/tmp")  # noqa: S108


@dataclass(frozen=True, slots=True)
class ImageVolumes:
    """What an image declares."""

    paths: Sequence[str] = ()
    with_program: Sequence[str] = ()
    """Of these, the ones that hold files of the image where its program is."""


def mountable(paths: Iterable[str]) -> list[str]:
    """Those that a named volume can stand for."""
    return sorted({found for path in paths if (found := _as_volume(path)) is not None})


def around_program(paths: Iterable[str], folder: str, argv: Sequence[str]) -> list[str]:
    """Those at, above or below the folder that the image's program starts in, or above a file that it runs.

    Args:
        folder: the image's WORKDIR; the root, or none, says nothing about where the program is.
        argv: its ENTRYPOINT and CMD.
    """
    home = PurePosixPath(_normal(folder or "/"))
    files = [PurePosixPath(_normal(word)) for word in argv if word.startswith("/")]
    found = [(path, PurePosixPath(path)) for path in mountable(paths)]
    return [
        text
        for text, path in found
        if any(each.is_relative_to(path) for each in files)
        or (home != PurePosixPath("/") and (home.is_relative_to(path) or path.is_relative_to(home)))
    ]


def image_notices(image: ImageVolumes, declared_paths: Iterable[str], names: dict[str, str]) -> list[str]:
    """What a deployment says about them.

    Args:
        declared_paths: where the app's settings mount volumes: what stands there was thought about.
        names: path → the volume that is mounted there.
    """
    declared = set(declared_paths)
    hidden = (path for path in mountable(image.with_program) if path in names and path not in declared)
    lost = sorted({path for path in image.paths if _as_volume(path) is None and not _is_passing(path)})
    return [_hidden_notice(path, names[path]) for path in hidden] + [_lost_notice(path) for path in lost]


def _hidden_notice(path: str, name: str) -> str:
    return (
        f"The image's files at {path} are hidden by the volume {name} from the second deployment on: what a later "
        f"commit changes there is not seen. Remove VOLUME {path} from the Dockerfile, or keep the program elsewhere; "
        f'path = "{path}" under [[volumes]] says that it is meant so.'
    )


def _lost_notice(path: str) -> str:
    return (
        f"VOLUME {path[:80]!r} can't be kept: what is written there is lost with each container. "
        "Mount a volume at another path under [[volumes]], and let the app write there."
    )


def _as_volume(path: str) -> str | None:
    """The path as containers have it, if a volume may be there. The runtime does not take a relative one for the
    absolute one that it becomes."""
    try:
        return volume_path(_normal(path)) if path.startswith("/") else None
    except InvalidInput:
        return None


def _is_passing(path: str) -> bool:
    """Does nobody expect to find it again?"""
    return any(PurePosixPath(_normal(path)).is_relative_to(each) for each in _NOTHING_IS_KEPT_IN)


def _normal(path: str) -> str:
    return posixpath.normpath("/" + path.lstrip("/"))
