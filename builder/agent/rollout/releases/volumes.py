"""What a release mounts, as rows: made before the container that gets them, and found again by every one after it."""

from __future__ import annotations

import secrets
from collections.abc import Iterable

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from slipway.core.app_settings.configuration import Configuration
from slipway.core.app_settings.volumes import Mount, sharing_notices
from slipway.errors import DeploymentFailed, InvalidInput
from slipway.models import TO_CHANGE, App, Deployment, Release, Scale, Volume, now
from slipway.ports.runtime import MountedVolume


def ensure(session: Session, release: Release, process: str) -> None:
    """Have a row for each volume that the process mounts. Locked: whoever removes one meanwhile comes before, and
    another is made here, or comes after, and sees the replica's row."""
    for mount in Configuration.from_json(release.configuration).mounts_of(process):
        row = session.scalar(_of(release).filter_by(name=mount.name).with_for_update(**TO_CHANGE))
        if row is None:
            session.add(_new(session, release, mount))
        else:
            row.mount_path, row.used_at = mount.path, now()


def mounted(session: Session, release: Release, mounts: Iterable[Mount]) -> tuple[MountedVolume, ...]:
    """What a container of the release is given.

    Raises:
        DeploymentFailed: a volume has no row.
    """
    ids = {row.name: row.id for row in session.scalars(_of(release))}
    found = tuple(mounts)
    for mount in found:
        if mount.name not in ids:
            raise DeploymentFailed(
                "start-refused", f"the volume {mount.name} is not known any more", remedy="make it anew: slipway deploy"
            )
    return tuple(MountedVolume(ids[mount.name], mount.path, mount.read_only) for mount in found)


def refuse_several_replicas(session: Session, release: Release) -> None:
    """Raises `InvalidInput` when more replicas are wanted than may share the release's volumes."""
    configuration = Configuration.from_json(release.configuration)
    wanted = _replicas(session, release)
    for process in sorted(configuration.exclusive):
        if wanted.get(process, 1) > 1:
            alone = next(each.name for each in configuration.volumes if each.shared is False)
            raise InvalidInput(
                f"{wanted[process]} replicas of {process} are wanted, but the volume {alone} is not shared",
                remedy=f"want one: slipway scale 1 --process {process}\n"
                "or let them share it: shared = true under [[volumes]]",
            )


def notices(session: Session, release: Release, live: Deployment | None) -> list[str]:
    """What the release's deployment says about its volumes."""
    configuration = Configuration.from_json(release.configuration)
    names = {each.name for each in configuration.volumes}
    before = session.get(Release, live.release_id) if live and live.release_id else None
    served = Configuration.from_json(before.configuration).volumes if before else ()
    wanted = dict.fromkeys(configuration.commands, 1) | _replicas(session, release)
    return sharing_notices(
        configuration.volumes,
        {process: wanted[process] for process in configuration.commands},
        recreate=configuration.recreate,
        no_longer=[each for each in served if each.name not in names],
    )


def _new(session: Session, release: Release, mount: Mount) -> Volume:
    app = session.get_one(App, release.app_id)
    return Volume(
        id=f"{app.name}-{release.environment}-{mount.name}-{secrets.token_hex(4)}",
        tenant_id=release.tenant_id,
        app_id=app.id,
        app_name=app.name,
        environment=release.environment,
        name=mount.name,
        mount_path=mount.path,
    )


def _of(release: Release) -> Select[Volume]:
    return select(Volume).filter_by(app_id=release.app_id, environment=release.environment, removal_requested_at=None)


def _replicas(session: Session, release: Release) -> dict[str, int]:
    """Process → wanted replicas, of those that have a scale."""
    of_app = select(Scale).filter_by(app_id=release.app_id, environment=release.environment)
    return {row.process: row.replicas for row in session.scalars(of_app)}
