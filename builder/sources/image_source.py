"""An image from a registry: its digest is looked up and recorded, then that digest is pulled. Nothing is built."""

from __future__ import annotations

import secrets
from contextlib import AbstractContextManager, nullcontext

from builder import quota
from builder.attempt import Attempt, MadeImage
from slipway.core.build import image_names
from slipway.core.deployment.ordering import GOES_ON, Verdict
from slipway.ports.building import Pulled, RegistryImage

BUILDER = "image"
_SHA256 = "sha256:"


class ImageSource:
    """`builder.sources.source.Source` of an app that runs an image from a registry."""

    _tag: str
    _pulled: Pulled

    def __init__(self, attempt: Attempt) -> None:
        self._attempt = attempt
        self._pulls = attempt.dependencies.pulls
        self._image = RegistryImage(attempt.work.ref, self._credential())

    def workspace(self) -> AbstractContextManager[None]:
        return nullcontext()

    def find_version(self) -> str:
        """The digest that an earlier attempt recorded, or the one that the registry gives now."""
        if self._attempt.work.commit_sha:
            return self._attempt.work.commit_sha
        self._attempt.output.line(f"looking up {self._image.reference}")
        return self._pulls.resolve(self._image, stopped=self._attempt.stopped).removeprefix(_SHA256)

    def stop_if_needless(self, version: str) -> None:
        """A deployment that gives the app another image name is never needless: the name changes."""
        if self._attempt.work.ref == self._attempt.work.image:
            self._attempt.stop_if_redundant(version)

    def fetch(self, version: str) -> None:
        """Pull the digest, under a tag of our own by which the image is kept and removed. It can't be guessed. Nothing
        is pulled that the tenant may not run."""
        quota.require_settings(self._attempt, {}, {})
        digest = _SHA256 + version
        instance = self._attempt.dependencies.settings.instance
        self._tag = image_names.pulled_tag(instance, secrets.token_hex(16), self._attempt.work.deployment_id, digest)
        self._attempt.output.line(f"pulling {digest}")
        self._pulled = self._pulls.fetch(
            self._image,
            digest,
            tag=self._tag,
            output=self._attempt.output.line,
            stopped=self._attempt.stopped,
            timeout_s=self._attempt.dependencies.settings.build_timeout_s,
        )

    def plan(self) -> None:
        """Nothing: the image was built elsewhere."""

    def build(self) -> MadeImage:
        """The pulled image as it is."""
        self._attempt.output.line(f"{self._pulled.note}, {self._attempt.elapsed_s():.1f} s")
        return MadeImage(self._tag, self._pulled, self._pulled.note, {"builder": BUILDER})

    def clean_up(self) -> None:
        """Nothing: a pull leaves no sources."""

    def is_stale(self) -> Verdict:
        """Never: nobody pushes here, and a tag that moves in the registry makes no deployment."""
        return GOES_ON

    def _credential(self) -> str | None:
        """The app's credential, where it was given for this image's registry: the app may have been set to an image of
        another registry since the deployment was made."""
        work = self._attempt.work
        wanted, own = image_names.parse(work.ref), image_names.parse(work.image)
        return self._attempt.credential if wanted.registry == own.registry else None
