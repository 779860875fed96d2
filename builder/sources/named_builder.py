"""The builder that an app names (`[build] builder`): its plan, and the second build of one that only leaves a plan."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from slipway.adapters.git import public_hosts
from slipway.core.app_settings.model import AppSettings
from slipway.core.build import image_names
from slipway.core.build.dockerfile_policy import Rules
from slipway.core.build.named import builders, railpack
from slipway.core.build.named.builder import Builder
from slipway.core.build.named.builders import BUILDERS
from slipway.core.build.named.railpack import PLAN_FILE, PLAN_MOST_BYTES
from slipway.core.build.templates.template import BaseImages, GeneratedDockerfile
from slipway.errors import DeploymentFailed, InvalidInput
from slipway.ports.building import BuildSpec

_FAMILY = "frontend"
"""Railpack's other images are called like its frontend up to this word."""


class ImagesAtHand(Protocol):
    def local_image(self, reference: str) -> bool: ...

    def obtain_image(self, reference: str) -> bool: ...


@dataclass(frozen=True, slots=True)
class NamedBuilders:
    """By the host's rules."""

    rules: Rules
    base_images: BaseImages
    images: ImagesAtHand
    engine_major: Callable[[], int]

    def find(self, chosen: AppSettings, variables: Iterable[str]) -> tuple[GeneratedDockerfile, str] | None:
        """The Dockerfile, and the frontend that builds what it leaves; None where no builder is named.

        Raises:
            InvalidInput: something else that says how to build is set as well.
            DeploymentFailed: `builder-unavailable`: an image of the builder can't be had, or the Engine is too old.
        """
        if chosen.build.builder is None:
            return None
        builder = BUILDERS[chosen.build.builder]
        _refuse_beside(builder, chosen)
        self._require(builder)
        dockerfile = builder.dockerfile(self.base_images, sorted(variables))
        notes = tuple(f"  {line}" for line in dockerfile.splitlines())
        made = GeneratedDockerfile(builder.name, dockerfile, ignore="**/.git\n", notes=notes)
        return made, getattr(self.base_images, builder.frontend) if builder.frontend else ""

    def _require(self, builder: Builder) -> None:
        for image in builder.wanted(self.base_images):
            if not self.images.obtain_image(image):
                sentence, remedy = builders.unavailable(builder, image)
                raise DeploymentFailed("builder-unavailable", sentence, remedy=remedy)
        oldest = builders.OLDEST_ENGINE_WITH_FRONTENDS
        if builder.frontend and self.engine_major() < oldest:
            raise DeploymentFailed(
                "builder-unavailable",
                f"the builder {builder.name} needs an Engine of version {oldest} or newer",
                remedy="the host's owner updates it; or take [build] builder out of slipway.toml",
            )

    def spec_of_plan(self, spec: BuildSpec, made: Path, frontend: str) -> BuildSpec:
        """What is left to be built, once the first build has left its plan in `made`. Caches and secrets of the plan
        belong to the tenant, as those of a Dockerfile do.

        Raises:
            DeploymentFailed: `dockerfile-refused`: there is no plan, or it reads what builds may not read.
        """
        try:
            plan = _content(made / PLAN_FILE)
            for image in railpack.images_in(plan):
                self._check(image, frontend)
        except InvalidInput as error:
            raise DeploymentFailed("dockerfile-refused", error.message, remedy=error.remedy) from None
        spec.dockerfile.write_bytes(plan)
        namespace = spec.arguments.get("BUILDKIT_CACHE_MOUNT_NS", "")
        own = {"BUILDKIT_SYNTAX": frontend, "cache-key": namespace, "secrets-hash": spec.shares}
        return replace(spec, arguments={**spec.arguments, **own})

    def _check(self, image: str, frontend: str) -> None:
        name = image_names.parse(image)
        if name.name.startswith(image_names.parse(frontend).name.removesuffix(_FAMILY)):
            return
        if name.is_own or (name.name not in self.rules.base_images and self.images.local_image(image)):
            raise InvalidInput(
                f"{image[:120]} is an image on this host that builds may not read",
                remedy="take it out of railpack.json; the host's owner can allow it: SLIPWAY_BASE_IMAGES",
            )
        public_hosts.require_public_registry(name, self.rules.registries)


def _refuse_beside(builder: Builder, chosen: AppSettings) -> None:
    beside = {
        "[static] root": chosen.static.root,
        "[build] dockerfile": chosen.build.dockerfile,
        "[build] target": chosen.build.target,
        "[build] args": chosen.build.args or None,
    }
    for name, value in beside.items():
        if value is not None:
            raise InvalidInput(
                f'[build] builder = "{builder.name}" and {name} are both set, and {builder.name} takes no {name}',
                remedy="take one of them out of slipway.toml or the app's settings",
            )


def _content(path: Path) -> bytes:
    """What a build left there: no link is followed, and no more is read than a plan has."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        raise InvalidInput(f"the build left no {PLAN_FILE}", remedy="look at the log: what did it say?") from None
    with os.fdopen(descriptor, "rb") as file:
        about = os.fstat(descriptor)
        if not stat.S_ISREG(about.st_mode) or about.st_size > PLAN_MOST_BYTES:
            raise InvalidInput(f"{PLAN_FILE} is no file, or larger than 1 MB", remedy="simplify railpack.json")
        return file.read(PLAN_MOST_BYTES)
