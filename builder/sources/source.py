"""Where a deployment's image comes from: one strategy for each kind of app, and one for promotions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Protocol

from builder.attempt import Attempt, MadeImage
from builder.sources.git_source import GitSource
from builder.sources.image_source import ImageSource
from builder.sources.promoted_source import PromotedSource
from slipway.core.deployment.ordering import Verdict


class Source(Protocol):
    """The steps to an image, which `jobs.make_image` calls in this order. Each raises `DeploymentFailed` when it fails,
    `Interrupted` when the work shall stop, and `LeaseLost` when another worker may have claimed the deployment."""

    def workspace(self) -> AbstractContextManager[None]:
        """Where the steps work. Nothing of it remains after the block."""
        ...

    def find_version(self) -> str:
        """The commit, or the image's digest (without `sha256:`)."""
        ...

    def stop_if_needless(self, version: str) -> None:
        """Raises `Interrupted` when the deployment would change nothing of what is live."""
        ...

    def fetch(self, version: str) -> None:
        """Get that version onto this host."""
        ...

    def plan(self) -> None:
        """Find out how the image is built."""
        ...

    def build(self) -> MadeImage:
        """Build it; afterwards the image is on this host."""
        ...

    def clean_up(self) -> None:
        """Remove what the steps left outside of the workspace. Called however they ended."""
        ...

    def is_stale(self) -> Verdict:
        """Has the source moved on from this version? The heartbeat asks when a newer push has come."""
        ...


SOURCES: Mapping[str, Callable[[Attempt], Source]] = {"git": GitSource, "image": ImageSource}
"""By what an app is made of."""


def source_of(attempt: Attempt) -> Source:
    """The source of the attempt's deployment. A promotion makes nothing of what its app is made of."""
    promoted = attempt.work.promoted
    return PromotedSource(attempt, promoted) if promoted else SOURCES[attempt.work.source](attempt)
