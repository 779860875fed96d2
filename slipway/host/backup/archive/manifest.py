"""What a backup says of itself: the last member of its archive."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any

from slipway.core.text.amounts import size
from slipway.core.text.counting import plural
from slipway.host.backup.archive.sealed_file import BackupRefused

NAME = "manifest.json"
FORMAT = 1


@dataclass(frozen=True, slots=True)
class Member:
    """A file of the archive."""

    name: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Image:
    """An image of a release, by the name and the digest that its row has."""

    name: str
    digest: str


@dataclass(frozen=True, slots=True)
class Volume:
    """A volume's data, as the archive `volumes/<id>`."""

    id: str
    labels: dict[str, str]


@dataclass(frozen=True, slots=True)
class Manifest:
    """`rows` counts those of each table, in the very state that was dumped."""

    version: str
    schema: str
    made_at: str
    instance: str
    state_dir: str
    """Where the installation had its files: certbot's name it."""
    database: str
    """`sqlite` or `postgresql`."""
    rows: dict[str, int]
    images: list[Image]
    images_missing: list[str]
    """Releases' images that the Engine no longer had."""
    with_images: bool
    volumes: list[Volume]
    with_volumes: bool
    with_keycloak: bool
    members: list[Member] = field(default_factory=list)
    format: int = FORMAT

    def text(self) -> str:
        return json.dumps(asdict(self), indent=1)


def parse(text: bytes) -> Manifest:
    """Raises:
    BackupRefused: a newer Slipway wrote it.
    """
    said: dict[str, Any] = json.loads(text)
    if said.get("format") != FORMAT:
        raise BackupRefused(
            f"the backup has manifest format {said.get('format')}, which this Slipway does not read",
            remedy="restore it with the Slipway that made it, or a newer one",
        )
    said["members"] = [Member(**each) for each in said["members"]]
    said["images"] = [Image(**each) for each in said["images"]]
    said["volumes"] = [Volume(**each) for each in said["volumes"]]
    return Manifest(**said)


def describe(manifest: Manifest) -> str:
    """The manifest as lines for people."""
    rows = manifest.rows
    counted = ("tenants", "users", "tokens", "apps", "domains", "variables", "deployments", "releases", "certificates")
    return "\n".join(
        [
            f"made      {manifest.made_at} by Slipway {manifest.version}, instance {manifest.instance}",
            f"database  {manifest.database}, schema {manifest.schema}, {plural(sum(rows.values()), 'row')}: "
            + ", ".join(f"{name} {rows[name]}" for name in counted if name in rows),
            f"keys      {_size_of(manifest, 'keys/')}, certificates {_size_of(manifest, 'certificates/')}, "
            f"certbot {_size_of(manifest, 'certbot/')}",
            f"Keycloak  {_size_of(manifest, 'keycloak/') if manifest.with_keycloak else 'not run here'}",
            f"images    {_images(manifest)}",
            f"volumes   {_volumes(manifest)}",
        ]
    )


def _images(manifest: Manifest) -> str:
    if not manifest.with_images:
        return "left out: what runs has to be deployed anew after a restore"
    missing = f"; the Engine lacked {', '.join(manifest.images_missing)}" if manifest.images_missing else ""
    return f"{plural(len(manifest.images), 'image')} of releases, {_size_of(manifest, 'images/')}{missing}"


def _volumes(manifest: Manifest) -> str:
    if not manifest.with_volumes:
        return "left out: apps' data on volumes is not in it"
    return f"{plural(len(manifest.volumes), 'volume')}, {_size_of(manifest, 'volumes/')}"


def _size_of(manifest: Manifest, folder: str) -> str:
    return size(sum(each.size_bytes for each in manifest.members if each.name.startswith(folder)))
