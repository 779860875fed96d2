"""Apps' volumes: out of an Engine on this host, and into one. Their owners, modes and attributes stay."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from slipway.adapters.docker.networks import INSTANCE_LABEL
from slipway.adapters.docker.volumes import volume_name
from slipway.errors import HostUnready
from slipway.host.backup.archive.manifest import Volume
from slipway.host.backup.archive.packing import Packer
from slipway.host.backup.piping import input_of, output_of
from slipway.host.backup.release_images import EngineClient

FOLDER = "volumes"
_ID_LABEL = "slipway.volume"
_TAR = ("--file=-", "--numeric-owner", "--xattrs")
_CHANGED_MEANWHILE = 1


def dump(client: EngineClient, packer: Packer) -> list[Volume]:
    """Write all of this installation. A file that is written to meanwhile is in it as it was found: only what no
    program writes to is sure to be of one moment.

    Raises:
        HostUnready: the Engine has its volumes where this process can't read them.
    """
    found = [each for each in _listed(client) if _ID_LABEL in each["Labels"]]
    for each in found:
        argv = ["tar", "--create", *_TAR, f"--directory={_place(each)}", "."]
        packer.stream(f"{FOLDER}/{each['Labels'][_ID_LABEL]}", output_of(argv, accepted=(0, _CHANGED_MEANWHILE)))
    return [Volume(each["Labels"][_ID_LABEL], each["Labels"]) for each in found]


@contextmanager
def filling(client: EngineClient, volume: Volume) -> Iterator[IO[bytes]]:
    """Make the volume, and unpack into it what is written."""
    name = volume_name(client.settings.instance, volume.id)
    labels = volume.labels | {INSTANCE_LABEL: client.settings.instance}
    named = [f"--label={key}={value}" for key, value in sorted(labels.items())]
    client.commands.must(client.argv("volume", "create", *named, "--", name))
    place = _place(_inspected(client, [name])[0])
    with input_of(["tar", "--extract", *_TAR, "--preserve-permissions", f"--directory={place}"]) as sink:
        yield sink


def exists(client: EngineClient, volume: Volume) -> bool:
    return client.commands.run(
        client.argv("volume", "inspect", "--", volume_name(client.settings.instance, volume.id))
    ).ok


def remove(client: EngineClient, volume_id: str) -> None:
    client.commands.run(client.argv("volume", "rm", "--", volume_name(client.settings.instance, volume_id)))


def _listed(client: EngineClient) -> list[dict[str, Any]]:
    ours = f"label={INSTANCE_LABEL}={client.settings.instance}"
    names = client.commands.must(client.argv("volume", "ls", "--quiet", "--filter", ours)).split()
    return _inspected(client, sorted(names)) if names else []


def _inspected(client: EngineClient, names: list[str]) -> list[dict[str, Any]]:
    described: list[dict[str, Any]] = json.loads(client.commands.must(client.argv("volume", "inspect", "--", *names)))
    return described


def _place(described: dict[str, Any]) -> Path:
    place = Path(described["Mountpoint"])
    if not place.is_dir():
        raise HostUnready(
            f"the data of volume {described['Name']} can't be read here: the Engine has it at {place}",
            remedy="run this on the Engine's own host, or leave volumes out",
        )
    return place
