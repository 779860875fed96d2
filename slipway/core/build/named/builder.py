"""What a builder is: a row of the table in `builders`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from slipway.core.build.templates.template import BaseImages


@dataclass(frozen=True, slots=True)
class Builder:
    """`images`: those that it takes of the host's, by their names in `BaseImages`. `dockerfile` gets the names of build
    variables."""

    name: str
    images: tuple[str, ...]
    dockerfile: Callable[[BaseImages, Sequence[str]], str]
    frontend: str = ""
    """Of `images`: the one that builds the plan that the Dockerfile's build leaves (`railpack.PLAN_FILE`). Empty: the
    Dockerfile makes the image itself."""

    def wanted(self, images: BaseImages) -> list[str]:
        return [getattr(images, each) for each in self.images]
