"""An image from a registry: its digest is found out and pinned, then pulled. Nothing is built."""

from __future__ import annotations

import secrets
import time

from builder.attempt import Attempt
from slipway.adapters.git.commit_status import StatusState
from slipway.core.build import image_names
from slipway.core.deployment.ordering import GOES_ON, Verdict
from slipway.ports.building import Pulled, RegistryImage

BUILDER = "image"


class ImageSource:
    """`builder.sources.source.Source` of an app whose image somebody else makes."""

    def __init__(self, attempt: Attempt) -> None:
        self._attempt = attempt
        self._pulls = attempt.dependencies.pulls
        self._image = RegistryImage(attempt.work.ref, self._credential())

    def make_image(self) -> None:
        digest = self._pinned()
        if self._attempt.work.ref == self._attempt.work.image:  # else what is live already gets another name
            self._attempt.go_on_if_new(digest.removeprefix("sha256:"))
        tag = self._tag(digest)
        pulled = self._pulled(digest, tag)
        self._start(tag, pulled)
        self._attempt.dependencies.queue.wake_agent(self._attempt.work.app_id)

    def is_stale(self) -> Verdict:
        """A tag that has moved on makes no deployment of its own: nobody pushes here."""
        return GOES_ON

    def report(self, status: StatusState, what: str) -> None:
        """A registry is told nothing."""

    def _credential(self) -> str | None:
        """Only for the registry that it was given for: the app's image may have moved to another meanwhile."""
        work = self._attempt.work
        wanted, own = image_names.parse(work.ref), image_names.parse(work.image)
        return self._attempt.credential if wanted.registry == own.registry else None

    def _pinned(self) -> str:
        """The digest: of an attempt before this one, or what the registry has now."""
        known = self._attempt.work.commit_sha
        if known:
            return f"sha256:{known}"
        self._attempt.output.line(f"looking up {self._image.reference}")
        digest = self._pulls.resolve(self._image, stopped=self._attempt.stopped)
        self._attempt.pin(digest.removeprefix("sha256:"))
        return digest

    def _tag(self, digest: str) -> str:
        """A name of ours, that can't be guessed: by it the image is kept, and removed."""
        instance = self._attempt.dependencies.settings.instance
        return image_names.pulled_tag(instance, secrets.token_hex(16), self._attempt.work.deployment_id, digest)

    def _pulled(self, digest: str, tag: str) -> Pulled:
        self._attempt.output.line(f"pulling {digest}")
        return self._pulls.fetch(
            self._image,
            digest,
            tag=tag,
            output=self._attempt.output.line,
            stopped=self._attempt.stopped,
            timeout_s=self._attempt.dependencies.settings.build_timeout_s,
        )

    def _start(self, tag: str, pulled: Pulled) -> None:
        self._attempt.output.line(f"{pulled.note}, {time.monotonic() - self._attempt.begun:.1f} s")
        self._attempt.start(tag, pulled, note=pulled.note, builder=BUILDER)
