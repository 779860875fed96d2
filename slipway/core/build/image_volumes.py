"""The VOLUMEs that an image declares: which can be kept, and which would hide the image's own program."""

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
    """The VOLUMEs of an image."""

    paths: Sequence[str] = ()
    with_program: Sequence[str] = ()
    """Those of `paths` that have files of the image's program in them."""


def mountable(paths: Iterable[str]) -> list[str]:
    """The paths at which a named volume can be mounted."""
    return sorted({found for path in paths if (found := _as_volume(path)) is not None})


def around_program(paths: Iterable[str], folder: str, argv: Sequence[str]) -> list[str]:
    """The paths at, above or below the working folder of the image's program, or above a file that it runs.

    Args:
        folder: the image's WORKDIR; the root, or none, does not show where the program is.
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
    """Notices for a deployment of the image.

    Args:
        declared_paths: where the app's settings mount volumes, which need no notice.
        names: path → the volume that is mounted there.
    """
    declared = set(declared_paths)
    hidden = (path for path in mountable(image.with_program) if path in names and path not in declared)
    lost = sorted({path for path in image.paths if _as_volume(path) is None and not _is_temporary(path)})
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
    """The normalised path, if a volume can be mounted there. A relative path can't: the runtime does not treat it as
    the absolute one."""
    try:
        return volume_path(_normal(path)) if path.startswith("/") else None
    except InvalidInput:
        return None


def _is_temporary(path: str) -> bool:
    """Is it a folder whose files nobody expects to be kept?"""
    return any(PurePosixPath(_normal(path)).is_relative_to(each) for each in _NOTHING_IS_KEPT_IN)


def _normal(path: str) -> str:
    return posixpath.normpath("/" + path.lstrip("/"))
