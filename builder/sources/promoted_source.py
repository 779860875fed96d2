"""The image of another app of the tenant: it is on this host, and gets one more tag. Nothing is built or pulled."""

from __future__ import annotations

import secrets
from contextlib import AbstractContextManager, nullcontext

from builder import quota
from builder.attempt import Attempt, MadeImage
from builder.sources import image_source
from slipway.core.build import image_names
from slipway.core.deployment.ordering import GOES_ON, Verdict
from slipway.core.deployment.promotion import PromotedImage
from slipway.errors import DeploymentFailed
from slipway.ports.building import ImageFacts


class PromotedSource:
    """`builder.sources.source.Source` of a promotion."""

    _tag: str
    _facts: ImageFacts

    def __init__(self, attempt: Attempt, image: PromotedImage) -> None:
        self._attempt = attempt
        self._image = image

    def workspace(self) -> AbstractContextManager[None]:
        return nullcontext()

    def find_version(self) -> str:
        """The commit, or the digest in its registry, that the image is of."""
        return self._attempt.work.commit_sha

    def stop_if_needless(self, version: str) -> None:
        """Never: somebody asked for this image, whatever is live."""

    def fetch(self, version: str) -> None:
        """Tag it for the app that it is promoted to, so that it stays when the other app has it no longer. Nothing is
        promoted that the tenant may not run."""
        quota.require_settings(self._attempt, self._image.file_settings, self._image.processes)
        self._attempt.raise_if_stopped()
        self._tag = self._new_tag()
        self._attempt.output.line(f"taking {self._image.digest} of {self._image.name}, {version[:12]}")
        facts = self._attempt.dependencies.images.tag_image(self._image.digest, self._tag)
        if facts is None:
            raise DeploymentFailed(
                "image-missing",
                f"the image of {self._image.name} is no longer on this host",
                remedy="promote what serves there now: "
                f"slipway promote -a {self._image.app} --to {self._attempt.work.app}",
            )
        self._facts = facts

    def _new_tag(self) -> str:
        """It can't be guessed, names the deployment, and tells what was built here from what was pulled."""
        token, number, digest = secrets.token_hex(16), self._attempt.work.deployment_id, self._image.digest
        if self._image.builder == image_source.BUILDER:
            instance = self._attempt.dependencies.settings.instance
            return image_names.pulled_tag(instance, token, number, digest)
        return image_names.promoted_tag(token, number, digest)

    def plan(self) -> None:
        """Nothing: the image is made."""

    def build(self) -> MadeImage:
        """The image as it is."""
        image = self._image
        columns = {"builder": image.builder, "file_settings": image.file_settings, "processes": image.processes}
        return MadeImage(self._tag, self._facts, f"the image of {image.name}", columns)

    def clean_up(self) -> None:
        """Nothing: a tag leaves no sources."""

    def is_stale(self) -> Verdict:
        """Never: a promotion is of no branch."""
        return GOES_ON
