"""The images of releases that are live, run, or are gone back to by a rollback: out of an Engine, and into one."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from sqlalchemy import select

from slipway.db import Database
from slipway.domain.releases.needed import needed_releases
from slipway.host.backup.archive.manifest import Image
from slipway.host.backup.archive.packing import Packer
from slipway.host.backup.piping import output_of
from slipway.host.commands import Commands
from slipway.host.install.engine import Engine, pick_client
from slipway.models import Release
from slipway.settings import Settings

FOLDER = "images"


class EngineClient:
    """The Engine of these settings, by its client."""

    def __init__(self, settings: Settings, commands: Commands) -> None:
        self.settings = settings
        self.commands = commands

    @cached_property
    def _docker(self) -> tuple[str, ...]:
        Engine(self.commands, self.settings).ensure()
        return pick_client(self.settings, self.commands), "--host", self.settings.docker_host

    def argv(self, *words: str) -> list[str]:
        return [*self._docker, *words]

    def id_of(self, image: str) -> str:
        """The digest of a local image; empty when there is none of that name."""
        done = self.commands.run(self.argv("image", "inspect", "--format", "{{.Id}}", "--", image))
        return done.output.strip() if done.ok else ""


def of_releases(settings: Settings) -> list[Image]:
    """Each once, by the names in the rows."""
    database = Database(settings.database_url, pool=False)
    with database.read(platform="backup: images of releases") as session:
        needed = needed_releases(session)
        query = select(Release.id, Release.image, Release.digest).where(Release.collected_at.is_(None))
        found = {Image(image, digest) for id_, image, digest in session.execute(query) if id_ in needed}
    database.dispose()
    return sorted(found, key=lambda each: each.name)


def dump(client: EngineClient, packer: Packer, images: list[Image]) -> tuple[list[Image], list[str]]:
    """Write those that the Engine has; returns them, and the names of those that it lacks."""
    present = [each for each in images if client.id_of(each.name)]
    missing = [each.name for each in images if each not in present]
    if present:
        packer.stream(FOLDER, _saved(client, present))
    return present, missing


def _saved(client: EngineClient, images: list[Image]) -> Iterator[bytes]:
    """One archive of all, so that layers that images share are in it once."""
    yield from output_of(client.argv("image", "save", "--", *(each.name for each in images)))


def unlike(client: EngineClient, images: list[Image]) -> list[str]:
    """The names of images that this Engine does not have as the releases name them."""
    return [each.name for each in images if client.id_of(each.name) != each.digest]
