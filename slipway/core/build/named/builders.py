"""Builders that an app names, beside Dockerfiles and detection: Cloud Native Buildpacks and Railpack. A row each.

Both run inside of BuildKit, as the steps of a Dockerfile do: with the same limits, secrets and folders, without the
container runtime's socket, and into an image of our own name. Their images come from a registry.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from slipway.core.build.named.builder import Builder
from slipway.core.build.named.buildpacks import BUILDPACKS
from slipway.core.build.named.railpack import RAILPACK

OLDEST_ENGINE_WITH_FRONTENDS = 23
"""From there on BuildKit takes a frontend from the build argument that Railpack's plan needs, which is JSON."""

BUILDERS: Mapping[str, Builder] = {each.name: each for each in (BUILDPACKS, RAILPACK)}
"""By the names that `[build] builder` takes."""


def unavailable(builder: Builder, image: str) -> tuple[str, str]:
    """The sentence and the remedy where an image of a builder can't be had."""
    return (
        f"the builder {builder.name} takes the image {image}, which is not on this host, and no registry gives it",
        f"the host's owner makes it available: docker pull {shlex.quote(image)}\n"
        "or take [build] builder out of slipway.toml: without it the app is built by detection, or by its Dockerfile",
    )
