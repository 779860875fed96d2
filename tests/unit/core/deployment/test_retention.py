from __future__ import annotations

from slipway.core.deployment.retention import Collectable, Kept, collectable

RELEASES = [Kept(id=10 + number, number=number, image=f"image-{number}") for number in range(1, 6)]


def test_the_newest_releases_keep_their_images() -> None:
    assert collectable(RELEASES, keep=3, needed=()) == Collectable((12, 11), ("image-1", "image-2"))


def test_what_is_needed_stays_however_old() -> None:
    assert collectable(RELEASES, keep=3, needed={11}) == Collectable((12,), ("image-2",))


def test_an_image_that_a_kept_release_shares_stays() -> None:
    shared = [*RELEASES[:-1], Kept(15, 5, "image-1")]
    assert collectable(shared, keep=3, needed=()) == Collectable((12, 11), ("image-2",))


def test_few_releases_are_left_alone() -> None:
    assert collectable(RELEASES, keep=5, needed=()) == Collectable((), ())
