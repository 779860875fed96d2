"""Apps' volumes in the Engine: named after what SQL calls them, labelled with whose they are, removed by name alone.

The Engine makes a volume when a container that mounts it is created, and copies into it what the image has at its path,
with owners and modes. A path that the image lacks becomes an empty folder of root's, where an image that runs as
somebody else could write nothing: it is given to that user, by a container that never starts, so that images without a
shell are served, too.
"""

from __future__ import annotations

import io
import posixpath
import tarfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import IO, Any, cast

from docker import APIClient
from docker.errors import APIError, NotFound
from docker.types import Mount

from slipway.adapters.docker.networks import INSTANCE_LABEL, TENANT_LABEL
from slipway.core.build.image_users import ROOT, Owner, owner_of
from slipway.core.build.image_volumes import ImageVolumes, around_program
from slipway.ports.runtime import MountedVolume, ReplicaSpec

APP_LABEL = "slipway.app"
HELPER_LABEL = "slipway.helper"
"""On containers that are no replica's and never start."""
_ACCOUNTS_MAX_BYTES = 1 << 20
_looking = threading.Lock()
"""One container looks into an image at a time: its name is always the same, so that what a kill left is removed."""


def volume_name(instance: str, volume_id: str) -> str:
    return f"{instance}-{volume_id}"


def volume_mounts(instance: str, spec: ReplicaSpec) -> list[Mount]:
    """What a container of the app mounts."""
    owner = {INSTANCE_LABEL: instance, APP_LABEL: str(spec.app_id), TENANT_LABEL: str(spec.tenant_id)}
    owner |= {"slipway.environment": spec.environment}
    return [
        Mount(
            target=each.path,
            source=volume_name(instance, each.id),
            type="volume",
            read_only=each.read_only,
            labels=owner | {"slipway.volume": each.id},
        )
        for each in spec.volumes
    ]


def of_image(api: APIClient, instance: str, digest: str, config: Mapping[str, Any]) -> ImageVolumes:
    """What the image declares. Its files are looked at only where its program may be."""
    paths = sorted(config.get("Volumes") or ())
    argv = [*(config.get("Entrypoint") or ()), *(config.get("Cmd") or ())]
    around = around_program(paths, config.get("WorkingDir") or "", argv)
    return ImageVolumes(paths, _with_files(api, instance, digest, around) if around else ())


def _with_files(api: APIClient, instance: str, digest: str, paths: Sequence[str]) -> list[str]:
    """Those at which the image has anything. The container never starts; in the place of each volume it has a tmpfs,
    which the Engine makes at the start alone, so that nothing is copied and the image's own files are seen."""
    name = f"{instance}-image-files"
    with _looking:
        _remove(api, name)
        api.create_container(
            digest,
            ["-"],
            name=name,
            labels={INSTANCE_LABEL: instance, HELPER_LABEL: "1"},
            host_config=api.create_host_config(
                network_mode="none", mounts=[Mount(target=path, source=None, type="tmpfs") for path in paths]
            ),
        )
        try:
            return [path for path in paths if _has_files(api, name, path)]
        finally:
            _remove(api, name)


def _has_files(api: APIClient, container_id: str, path: str) -> bool:
    try:
        return _empty_folder(api, container_id, path) is None
    except NotFound:
        return False


def sizes(api: APIClient, instance: str) -> dict[str, int]:
    """Volume → bytes. An Engine that can restrict its answer to volumes does; an older one counts everything."""
    response = api.get(f"{api.base_url}/v{api.api_version}/system/df", params={"type": "volume"}, timeout=api.timeout)
    with closing(response):
        if not response.ok:
            raise APIError(response.reason, response=response, explanation=response.text)
        listed = response.json().get("Volumes") or []
    ours = [each for each in listed if (each.get("Labels") or {}).get(INSTANCE_LABEL) == instance]
    measured = {each["Name"]: (each.get("UsageData") or {}).get("Size", -1) for each in ours}
    return {name.removeprefix(f"{instance}-"): size for name, size in measured.items() if size >= 0}  # -1: not known


def remove(api: APIClient, instance: str, volume_id: str) -> bool:
    """Gone? False: in use. One of that name that is not this installation's is left alone."""
    name = volume_name(instance, volume_id)
    try:
        if (api.inspect_volume(name)["Labels"] or {}).get(INSTANCE_LABEL) != instance:
            return True
        _remove_helper(api, name)
        api.remove_volume(name)
    except NotFound:
        return True
    except APIError as error:
        if error.status_code != 409:
            raise
        return False
    return True


def give_to_user(api: APIClient, instance: str, container_id: str, spec: ReplicaSpec) -> None:
    """Give the empty volumes that belong to root to the user that the image runs as. `container_id` is created, and
    does not run."""
    writable = [each for each in spec.volumes if not each.read_only]
    said = api.inspect_container(container_id)["Config"]["User"] if writable else ""
    owner = owner_of(said, lambda path: _accounts(api, container_id, path))
    if owner.uid == ROOT.uid:
        return
    for each in writable:
        folder = _empty_folder(api, container_id, each.path)
        if folder is not None and (folder.uid, folder.gid) == (ROOT.uid, ROOT.gid):
            _change_owner(api, instance, spec, each, folder.mode, owner)


def _change_owner(
    api: APIClient, instance: str, spec: ReplicaSpec, volume: MountedVolume, mode: int, owner: Owner
) -> None:
    """The replica's own container has a read-only root, below which the Engine unpacks nothing."""
    parent, folder = posixpath.split(volume.path)
    name = volume_name(instance, volume.id)
    _remove_helper(api, name)
    mount = Mount(target=volume.path, source=name, type="volume")
    helper = api.create_container(
        spec.digest,
        ["-"],
        name=_helper_name(name),
        labels={INSTANCE_LABEL: instance, HELPER_LABEL: "1"},
        host_config=api.create_host_config(network_mode="none", mounts=[mount]),
    )
    api.put_archive(helper["Id"], parent, _folder_archive(folder, mode, owner))
    _remove_helper(api, name)


def _helper_name(volume: str) -> str:
    return f"{volume}-owner"


def _remove_helper(api: APIClient, volume: str) -> None:
    """Of this try, or of one that was killed."""
    _remove(api, _helper_name(volume))


def _remove(api: APIClient, name: str) -> None:
    try:
        api.remove_container(name, force=True, v=True)
    except NotFound:
        return


def _folder_archive(name: str, mode: int, owner: Owner) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        folder = tarfile.TarInfo(name)
        folder.type, folder.mode, folder.uid, folder.gid = tarfile.DIRTYPE, mode, owner.uid, owner.gid
        archive.addfile(folder)
    return packed.getvalue()


def _empty_folder(api: APIClient, container_id: str, path: str) -> tarfile.TarInfo | None:
    """The folder as the container has it; None when something is in it."""
    with _archive_of(api, container_id, path) as archive:
        folder = archive.next()
        return folder if archive.next() is None else None


def _accounts(api: APIClient, container_id: str, path: str) -> str:
    """A file of accounts in the container; empty when there is none."""
    try:
        with _archive_of(api, container_id, path) as archive:
            member = archive.next()
            file = archive.extractfile(member) if member and member.isreg() else None
            return file.read(_ACCOUNTS_MAX_BYTES).decode(errors="replace") if file else ""
    except NotFound:
        return ""


@contextmanager
def _archive_of(api: APIClient, container_id: str, path: str) -> Iterator[tarfile.TarFile]:
    """A path in a container as the Engine packs it. Leaving it stops the packing: what is large is not read through."""
    url = f"{api.base_url}/v{api.api_version}/containers/{container_id}/archive"
    plain = {"Accept-Encoding": "identity"}
    response = api.get(url, params={"path": path}, headers=plain, stream=True, timeout=api.timeout)
    with closing(response):
        if response.status_code == 404:
            raise NotFound("no such path", response=response)
        response.raise_for_status()
        with tarfile.open(fileobj=cast("IO[bytes]", response.raw), mode="r|") as archive:
            yield archive
