"""Pulls by the real Engine from a real registry."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from docker.errors import ImageNotFound

from slipway.adapters.docker.images.registry_images import RegistryImages
from slipway.core.build.image_names import pulled_namespace
from slipway.errors import DeploymentFailed
from slipway.ports.building import Pulled, RegistryImage
from tests.fixtures.engine import EnginePart, engine_part
from tests.fixtures.services.registry import Registry, Relay, running_registry


def never() -> bool:
    return False


@dataclass
class Room:
    """A disk with as much space as a test says."""

    free: int = 1 << 40
    disk_floor_bytes: int = 1 << 30

    def free_bytes(self) -> int:
        return self.free

    def require_space(self) -> None:
        if self.free < self.disk_floor_bytes:
            raise DeploymentFailed("disk-full", "no room")


@dataclass
class Harbour:
    """What pulls, and what was printed."""

    part: EnginePart
    state_dir: Path
    room: Room = field(default_factory=Room)
    lines: list[str] = field(default_factory=list)
    allowed: tuple[str, ...] = ("127.0.0.1",)

    @property
    def images(self) -> RegistryImages:
        return RegistryImages(self.part.settings.docker_host, self.state_dir, self.allowed, self.room)

    def tag(self) -> str:
        return f"{pulled_namespace(self.part.settings.instance)}/{secrets.token_hex(16)}:test"

    def pull(
        self,
        reference: str,
        credential: str | None = None,
        *,
        tag: str = "",
        stopped: Callable[[], bool] = never,
        timeout_s: float = 30,
    ) -> Pulled:
        """Look up and fetch."""
        image = RegistryImage(reference, credential)
        images = self.images
        digest = images.resolve(image, stopped=stopped)
        return images.fetch(
            image,
            digest,
            tag=tag or self.tag(),
            output=self.lines.append,
            stopped=stopped,
            timeout_s=timeout_s,
        )

    def refused(self, reference: str, credential: str | None = None) -> DeploymentFailed:
        """The failure that looking up and fetching ends in."""
        with pytest.raises(DeploymentFailed) as failed:
            self.pull(reference, credential)
        assert failed.value.remedy
        return failed.value

    def has(self, reference: str) -> bool:
        try:
            self.part.api.inspect_image(reference)
        except ImageNotFound:
            return False
        return True

    def marks(self) -> list[Path]:
        return list((self.state_dir / "pulls").glob("*"))


@pytest.fixture(scope="module")
def part() -> Iterator[EnginePart]:
    with engine_part() as part:
        yield part


@pytest.fixture
def harbour(part: EnginePart, tmp_path: Path) -> Harbour:
    return Harbour(part, tmp_path)


@pytest.fixture(scope="module")
def registry(part: EnginePart) -> Iterator[Registry]:
    with running_registry(part.cli, part.settings.docker_host) as registry:
        yield registry


@pytest.fixture(scope="module")
def locked(part: EnginePart) -> Iterator[Registry]:
    with running_registry(part.cli, part.settings.docker_host, locked=True) as registry:
        yield registry


@pytest.fixture
def relay(registry: Registry) -> Iterator[Callable[..., Relay]]:
    """Makes relays to the registry, each letting so many bytes through."""
    made: list[Relay] = []

    def make(lets_through: int, *, mute: bool = False) -> Relay:
        made.append(Relay(registry.port, lets_through, mute=mute))
        return made[-1]

    yield make
    for each in made:
        each.close()
