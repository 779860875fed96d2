"""Images from registries, by the Engine's own API: a tag is looked up, then its digest is pulled.

Always from the registry: no name of an image that only this host has is ever taken. By digest, because the Engine then
moves no tag that the host's owner pulled. What stays is a tag of ours, by which the image is removed again. The
credential goes by a header of the call alone.
"""

from __future__ import annotations

import base64
import functools
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote, urlencode

from slipway.adapters.docker.engine_calls import EngineCalls, Watch, every, first_of, within
from slipway.adapters.docker.images.image_facts import facts_of
from slipway.adapters.docker.images.pulled_references import PulledReferences
from slipway.adapters.git.public_hosts import require_public_registry
from slipway.core.build import image_names, image_pulls
from slipway.core.build.image_pulls import Asked, Progress
from slipway.core.naming import validation
from slipway.errors import DependencyUnavailable, DeploymentFailed, InvalidInput
from slipway.ports.building import Interrupted, Pulled, RegistryImage, Stopped

RESOLVE_TIMEOUT_S = 60.0
SHORT_TIMEOUT_S = 60.0
SPACE_LOOK_S = 1.0
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class Disk(Protocol):
    """Where images are kept."""

    @property
    def disk_floor_bytes(self) -> int: ...

    def free_bytes(self) -> int: ...

    def require_space(self) -> None:
        """Raises `DeploymentFailed` (`disk-full`)."""
        ...


class RegistryImages:
    """`ImageFetcher` on the Engine at `docker_host`. `registries` are those that apps' images may come from."""

    def __init__(self, docker_host: str, state_dir: Path, registries: tuple[str, ...], disk: Disk) -> None:
        self._engine = EngineCalls(docker_host)
        self._registries = registries
        self._disk = disk
        self._references = PulledReferences(state_dir / "pulls", self._exists, self._untag)

    def resolve(self, image: RegistryImage, *, stopped: Stopped) -> str:
        """The digest that the registry gives for the image now.

        Raises:
            DeploymentFailed: there is none for us, or none for hosts like this one.
            Interrupted: `stopped` said so.
        """
        asked = self._allowed(image)
        watch = first_of(_interrupted(stopped), within(RESOLVE_TIMEOUT_S, lambda: _silent(asked)))
        target = f"/distribution/{quote(str(asked), safe='/:@')}/json"
        status, answer = self._engine.ask("GET", target, watch=watch, headers=_authorization(image, asked))
        if status != 200:
            raise image_pulls.failure(asked, _message(answer), status=status)
        self._require_platform(asked, answer.get("Platforms") or [])
        digest = asked.name.digest or str(answer["Descriptor"]["digest"])
        if not _DIGEST.fullmatch(digest):
            raise image_pulls.failure(asked, "its digest is not a sha256")
        return digest

    def fetch(
        self,
        image: RegistryImage,
        digest: str,
        *,
        tag: str,
        output: Callable[[str], None],
        stopped: Stopped,
        timeout_s: float,
    ) -> Pulled:
        """Pull it, and tag it with `tag`.

        Raises:
            DeploymentFailed: it can't be had, does not fit, or was built on this host.
            Interrupted: `stopped` said so; the Engine has stopped pulling.
        """
        asked = self._allowed(image)
        self._disk.require_space()
        pinned = f"{asked.name.name}@{digest}"
        watch = first_of(
            _interrupted(stopped),
            within(timeout_s, lambda: _too_long(asked, timeout_s)),
            every(SPACE_LOOK_S, lambda: self._no_space(asked)),
        )
        with self._references.used(pinned):
            progress = self._pull(asked, digest, watch, _authorization(image, asked), output)
            found = self._must("GET", f"/images/{_quoted(pinned)}/json")
            _refuse_own(asked, found)
            self._require_platform(asked, [{"os": found.get("Os"), "architecture": found.get("Architecture")}])
            repository, _, version = tag.rpartition(":")
            self._must("POST", f"/images/{found['Id']}/tag?{urlencode({'repo': repository, 'tag': version})}")
        return Pulled(**asdict(facts_of(found)), note=progress.note())

    def tidy(self) -> None:
        """Remove what pulls of killed workers left."""
        self._references.tidy()

    def _allowed(self, image: RegistryImage) -> Asked:
        try:
            validation.image_name(image.reference, self._registries)
            name = image_names.parse(image.reference)
            require_public_registry(name, self._registries)
        except InvalidInput as error:
            raise DeploymentFailed("image-refused", error.message, remedy=error.remedy) from None
        return Asked(name, image.credential is not None)

    def _pull(
        self, asked: Asked, digest: str, watch: Watch, headers: Mapping[str, str], output: Callable[[str], None]
    ) -> Progress:
        progress = Progress()
        target = f"/images/create?{urlencode({'fromImage': asked.name.name, 'tag': digest})}"
        with self._engine.answer("POST", target, watch=watch, headers=headers) as answer:
            if answer.status != 200:
                raise image_pulls.failure(asked, _message(answer.document()), status=answer.status)
            for line in answer.lines():
                if shown := progress.add(json.loads(line)):
                    output(shown)
        if progress.error:
            raise image_pulls.failure(asked, progress.error)
        return progress

    def _require_platform(self, asked: Asked, platforms: list[dict[str, Any]]) -> None:
        os, architecture = self._platform
        if not image_pulls.runs_on(platforms, os, architecture):
            raise image_pulls.wrong_platform(asked, platforms, os, architecture)

    @functools.cached_property
    def _platform(self) -> tuple[str, str]:
        answer = self._must("GET", "/version")
        return answer["Os"], answer["Arch"]

    def _no_space(self, asked: Asked) -> DeploymentFailed | None:
        if self._disk.free_bytes() >= self._disk.disk_floor_bytes:
            return None
        floor = image_pulls.megabytes(self._disk.disk_floor_bytes)
        return image_pulls.too_large(asked, f"it would leave less than {floor} free, and was stopped")

    def _exists(self, reference: str) -> bool:
        return self._short("GET", f"/images/{_quoted(reference)}/json")[0] == 200

    def _untag(self, reference: str) -> None:
        """Gone, with the image when nothing else names it."""
        status, answer = self._short("DELETE", f"/images/{_quoted(reference)}")
        if status not in (200, 404, 409):  # 409: a container runs from it
            raise _unexpected("DELETE", answer)

    def _must(self, method: str, target: str) -> Any:
        status, answer = self._short(method, target)
        if status not in (200, 201):
            raise _unexpected(method, answer)
        return answer

    def _short(self, method: str, target: str) -> tuple[int, Any]:
        late = DependencyUnavailable("The Docker Engine does not answer in time.", remedy="slipway doctor")
        return self._engine.ask(method, target, watch=within(SHORT_TIMEOUT_S, lambda: late))


def _interrupted(stopped: Stopped) -> Watch:
    return lambda: Interrupted() if stopped() else None


def _authorization(image: RegistryImage, asked: Asked) -> dict[str, str]:
    if image.credential is None:
        return {}
    user, _, password = image.credential.partition(":")
    account = {"username": user, "password": password, "serveraddress": asked.name.registry}
    return {"X-Registry-Auth": base64.urlsafe_b64encode(json.dumps(account).encode()).decode()}


def _refuse_own(asked: Asked, found: Mapping[str, Any]) -> None:
    """A registry may name the id of any image: the Engine takes the one that is here for it, and asks no further. One
    that was built here for an app is that app's alone."""
    for tag in found.get("RepoTags") or []:
        if image_names.is_built(tag):
            raise DeploymentFailed(
                "image-refused",
                f"{asked} is an image that was built on this host for an app",
                remedy="deploy the repository that it was built from",
            )


def _message(answer: Any) -> str:
    return str(answer.get("message", "")) if isinstance(answer, dict) else ""


def _quoted(reference: str) -> str:
    return quote(reference, safe="/:@")


def _unexpected(method: str, answer: Any) -> DependencyUnavailable:
    return DependencyUnavailable(
        f"The Docker Engine did not do a {method}: {_message(answer)[:300]}", remedy="try again"
    )


def _silent(asked: Asked) -> DeploymentFailed:
    return image_pulls.failure(asked, f"timeout: no answer within {RESOLVE_TIMEOUT_S:g} s")


def _too_long(asked: Asked, timeout_s: float) -> DeploymentFailed:
    return DeploymentFailed(
        "pull-timeout",
        f"pulling {asked} took longer than {timeout_s:g} s and was stopped",
        remedy="try again: slipway deploy\nor ask the host's owner for a longer SLIPWAY_BUILD_TIMEOUT_S",
    )
