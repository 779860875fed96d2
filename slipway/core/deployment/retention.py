"""Which releases keep their image, and so can be rolled back to."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kept:
    """A release whose image has not been removed."""

    id: int
    number: int
    image: str


@dataclass(frozen=True, slots=True)
class Collectable:
    """Releases to mark as collected, and the images that no kept release shares with them."""

    release_ids: tuple[int, ...]
    images: tuple[str, ...]


def collectable(releases: Iterable[Kept], *, keep: int, needed: Collection[int]) -> Collectable:
    """Of one app and environment: the newest `keep` stay, and whatever is `needed`: what is live, what runs, what a
    deployment under way goes to."""
    newest_first = sorted(releases, key=lambda release: release.number, reverse=True)
    leaving = [release for release in newest_first[keep:] if release.id not in needed]
    staying = {release.image for release in newest_first if release not in leaving}
    images = sorted({release.image for release in leaving} - staying)
    return Collectable(tuple(release.id for release in leaving), tuple(images))
