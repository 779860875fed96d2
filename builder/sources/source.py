"""Where a deployment's image comes from: a strategy for each kind of app."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from builder.attempt import Attempt
from builder.sources.git_source import GitSource
from builder.sources.image_source import ImageSource
from slipway.adapters.git.commit_status import StatusState
from slipway.core.deployment.ordering import Verdict


class Source(Protocol):
    """Raises `DeploymentFailed`, `Lost`, and `Interrupted` when the work shall stop."""

    def make_image(self) -> None:
        """From fetching to starting: afterwards the image is on this host, and the agent knows."""
        ...

    def is_stale(self) -> Verdict:
        """Whether the deployment still is what its source would give now. Asked when a newer push has come."""
        ...

    def report(self, status: StatusState, what: str) -> None:
        """Say how the deployment is to whoever keeps the source."""
        ...


SOURCES: Mapping[str, Callable[[Attempt], Source]] = {"git": GitSource, "image": ImageSource}
