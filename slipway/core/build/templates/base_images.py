"""Which image a generated Dockerfile starts from: the host's own for the language, or another version of it that the
repository asks for, where that is here or can be pulled."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass

from slipway.core.build import image_names
from slipway.errors import InvalidInput

_TAG = re.compile(r"(?P<version>\d+(?:\.\d+)*)(?P<variant>.*)")


def _none_is_to_be_had(_reference: str) -> bool:
    return False


def _no_tags(_name: str) -> Collection[str]:
    return ()


@dataclass(frozen=True, slots=True)
class HostImages:
    """What a template asks about the images that builds may start from on this host."""

    obtain: Callable[[str], bool] = _none_is_to_be_had
    """Is the image of this reference here, or could it be pulled?"""
    tags: Callable[[str], Collection[str]] = _no_tags
    """The tags that an image of this name has here."""


@dataclass(frozen=True, slots=True)
class WantedVersion:
    """The version of a language that a file of the repository asks for."""

    language: str
    text: str
    """As people write it: `3.12`, `>=3.12,<4`."""
    where: str
    """The file, as the error and the log name it."""
    accepts: Callable[[str], bool]
    """Will an image do whose tag begins with this version, such as `3.11`?"""
    pulled: str
    """The version to pull where no image that is here will do, such as `3.12`."""


@dataclass(frozen=True, slots=True)
class ChosenImage:
    """The image to start from."""

    reference: str
    notes: tuple[str, ...] = ()
    """Lines for the deployment's log."""


def choose(default: str, wanted: WantedVersion | None, host: HostImages) -> ChosenImage:
    """The default where it will do, else an image of the same name and variant that will do, else the one that can be
    pulled. A default whose tag names no version is used where no other is to be had.

    Raises:
        InvalidInput: no image of that version is to be had.
    """
    if wanted is None:
        return ChosenImage(default)
    image = image_names.parse(default)
    version, variant = _split(image.tag)
    if version and wanted.accepts(version):
        return ChosenImage(default)
    here = _versions_here(host.tags(image.name), variant)
    asked = f"{image.name}:{next(filter(wanted.accepts, here), wanted.pulled)}{variant}"
    why = f"{wanted.where} asks for {wanted.language} {wanted.text}"
    if host.obtain(asked):
        return ChosenImage(asked, (f"{why}: {asked} is used",))
    if not version:
        return ChosenImage(default, (f"{why}, and the version of {default} is not known: it is used as it is",))
    are_here = ", ".join(dict.fromkeys((version, *here)))
    raise InvalidInput(
        f"{why}, which is not on this host, and {asked} can't be pulled",
        remedy=f"ask for a version that is here ({are_here}), or let the host's owner get one: docker pull {asked}",
    )


def _split(tag: str) -> tuple[str, str]:
    """A tag's version and the rest of it: `3.11-slim` is `3.11` and `-slim`. Both are empty where no version begins."""
    match = _TAG.fullmatch(tag)
    return (match["version"], match["variant"]) if match else ("", "")


def _versions_here(tags: Collection[str], variant: str) -> list[str]:
    """The versions of the tags with this variant, the newest first."""
    versions = [version for version, rest in map(_split, tags) if version and rest == variant]
    return sorted(versions, key=lambda version: [int(part) for part in version.split(".")], reverse=True)
