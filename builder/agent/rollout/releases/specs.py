"""From a replica's row and its release to what the runtime is asked to start."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy.orm import Session

from builder.agent.rollout.releases import volumes
from slipway.adapters.vault import Vault
from slipway.core.app_settings.configuration import PRODUCTION, Configuration
from slipway.domain.attached.services import kind_of
from slipway.domain.releases.variables import open_variables
from slipway.models import App, Release, Tenant
from slipway.ports.runtime import ReplicaSpec

_REFERENCE = re.compile(r"\$(?:(\w+)|\{(\w+)\})")


@dataclass(frozen=True, slots=True)
class Place:
    """Which of a release's replicas a spec is for."""

    id: str
    process: str
    slot: int
    deployment_id: int | None


def spec_of(session: Session, vault: Vault, release: Release, place: Place) -> ReplicaSpec:
    """Raises `SealBroken` when a variable can't be opened, `DeploymentFailed` when a volume has no row."""
    app = session.get_one(App, release.app_id)
    tenant = session.get_one(Tenant, release.tenant_id)
    configuration = Configuration.from_json(release.configuration)
    variables = _variables(vault, release, configuration)
    argv = configuration.commands.get(place.process)
    kind = kind_of(session, app.id)
    return ReplicaSpec(
        id=place.id,
        app_id=app.id,
        app=app.name,
        tenant_id=tenant.id,
        tenant=tenant.name,
        environment=release.environment,
        process=place.process,
        release_id=release.id,
        deployment_id=place.deployment_id,
        slot=place.slot,
        digest=release.digest,
        argv=expand(argv, variables) if argv else None,
        variables=variables,
        memory_bytes=configuration.memory_bytes,
        cpus=configuration.cpus,
        pids=configuration.pids,
        read_only=configuration.read_only,
        volumes=volumes.mounted(session, release, configuration.mounts_of(place.process)),
        user=kind.user if kind else None,
        alias=app.name if kind and release.environment == PRODUCTION else None,
    )


def expand(argv: tuple[str, ...], variables: Mapping[str, str]) -> tuple[str, ...]:
    """`$PORT` and `${NAME}` in a command that no shell runs. Unknown names stay as they are; a shell's script too."""
    if argv[1:2] == ("-c",):
        return argv

    def value(match: re.Match[str]) -> str:
        return variables.get(match[1] or match[2], match[0])

    return tuple(_REFERENCE.sub(value, word) for word in argv)


def _variables(vault: Vault, release: Release, configuration: Configuration) -> dict[str, str]:
    return open_variables(vault, release) | {"PORT": str(configuration.port)}
