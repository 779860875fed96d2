"""What a release freezes beside its image: the configuration snapshot that rollback goes back to."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

from slipway.core.app_settings.volumes import Mount, exclude_each_other, exclusive_processes, mounts
from slipway.core.runs import cron_job
from slipway.core.runs.cron_job import CronJob

if TYPE_CHECKING:
    from slipway.core.app_settings.model import AppSettings
    from slipway.settings import Settings

WEB = "web"
PRODUCTION = "production"
DEFAULT_PORT = 8000
RECREATE = "recreate"


@dataclass(frozen=True, slots=True)
class Defaults:
    """The host's defaults for what an app does not say (from Settings)."""

    memory_bytes: int
    cpus: float
    pids: int
    probe_timeout_s: float
    watch_s: float
    drain_grace_s: float
    stop_grace_s: float
    pre_deploy_timeout_s: float

    @classmethod
    def of(cls, settings: Settings) -> Defaults:
        return cls(
            memory_bytes=settings.replica_memory_bytes,
            cpus=settings.replica_cpus,
            pids=settings.replica_pids,
            probe_timeout_s=settings.probe_timeout_s,
            watch_s=settings.watch_s,
            drain_grace_s=settings.drain_grace_s,
            stop_grace_s=settings.stop_grace_s,
            pre_deploy_timeout_s=settings.pre_deploy_timeout_s,
        )


@dataclass(frozen=True, slots=True)
class Configuration:
    """All that is needed to run a release again just as it ran. Variables' values stay sealed in here.

    A new field needs a default: releases that were frozen before lack it, and stay as they are.
    """

    port: int
    health_path: str | None
    commands: Mapping[str, tuple[str, ...] | None]
    """Process → argv; None: the image's own command."""
    variables: Mapping[str, str]
    """Name → sealed value."""
    memory_bytes: int
    cpus: float
    pids: int
    read_only: bool
    strategy: str
    pre_deploy: tuple[str, ...] | None
    probe_timeout_s: float
    drain_grace_s: float
    stop_grace_s: float
    pre_deploy_timeout_s: float
    volumes: tuple[Mount, ...] = ()
    stream_grace_s: float = 0.0
    """How long WebSockets and server-sent events may stay when their replica retires."""
    health: str = "tcp"
    """How a replica without a `health_path` is probed. A release frozen before there was a choice runs as it ran."""
    watch_s: float = 0.0
    """How long it is watched after the switch."""
    secret_names: tuple[str, ...] = ()
    """Variables that somebody marked as secret."""
    cron: tuple[CronJob, ...] = ()
    """The app's schedule, while this release is live."""

    @property
    def probe(self) -> str:
        """`path`, `http` or `tcp`."""
        return "path" if self.health_path else self.health

    @property
    def recreate(self) -> bool:
        """Does the old release stop before this one starts?"""
        return self.strategy == RECREATE

    @property
    def exclusive(self) -> frozenset[str]:
        """Processes that may have one replica: each mounts a volume that is not shared."""
        return exclusive_processes(self.volumes, self.commands)

    def wanted(self, scales: Mapping[str, int]) -> dict[str, int]:
        """Process → replicas, where so many are asked for; one of a process that has no scale."""
        exclusive = self.exclusive
        asked = {process: scales.get(process, 1) for process in self.commands}
        return {process: min(count, 1) if process in exclusive else count for process, count in asked.items()}

    def mounts_of(self, process: str) -> tuple[Mount, ...]:
        """What a process mounts. One that the app does not have is the pre-deploy command, and mounts everything."""
        if process not in self.commands:
            return self.volumes
        return tuple(each for each in self.volumes if each.is_mounted_by(process))

    def held_back(self, held: Collection[Mount]) -> frozenset[str]:
        """Processes that may not start while others mount that: one of the two does not share a volume."""
        return frozenset(each for each in self.commands if exclude_each_other(self.mounts_of(each), held))

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Configuration:
        """Values that releases no longer freeze are left out."""
        commands = {name: tuple(argv) if argv else None for name, argv in values["commands"].items()}
        pre_deploy = tuple(values["pre_deploy"]) if values["pre_deploy"] else None
        known = {each.name: values[each.name] for each in fields(cls) if each.name in values}
        secret_names = tuple(values.get("secret_names", ()))
        volumes = () if knows_no_volumes(values) else tuple(map(Mount.from_json, values["volumes"]))
        cron = tuple(CronJob.from_json(each) for each in values.get("cron", ()))
        frozen = {"commands": commands, "pre_deploy": pre_deploy, "volumes": volumes, "secret_names": secret_names}
        frozen["cron"] = cron
        return cls(**{**known, **frozen})


def knows_no_volumes(values: Mapping[str, Any]) -> bool:
    """Was the release frozen before Slipway looked at an image's VOLUMEs? Then it has a table there, or nothing."""
    return not isinstance(values.get("volumes"), list | tuple)


def snapshot(
    app: AppSettings,
    defaults: Defaults,
    *,
    variables: Mapping[str, str],
    exposed_port: int | None,
    image_volumes: Iterable[str] = (),
    secret_names: Iterable[str] = (),
) -> Configuration:
    """Freeze the settings as they are when starting begins.

    The port is the setting's, else the image's first EXPOSE, else 8000. What can't share a volume can't run twice.

    Raises:
        InvalidInput: the volumes contradict each other, or what the app runs.
    """
    resources, timeouts = app.resources, app.timeouts
    commands = {WEB: None} | {name: _argv(process.command) for name, process in app.processes.items()}
    volumes = mounts(app.mounts(), image_volumes, commands)
    strategy = RECREATE if exclusive_processes(volumes, commands) else app.strategy
    return Configuration(
        port=app.port or exposed_port or DEFAULT_PORT,
        health_path=app.health_path,
        commands=commands,
        variables=dict(variables),
        memory_bytes=resources.memory_mb << 20 if resources.memory_mb else defaults.memory_bytes,
        cpus=resources.cpus or defaults.cpus,
        pids=resources.pids or defaults.pids,
        read_only=resources.read_only,
        strategy=strategy,
        pre_deploy=_argv(app.pre_deploy),
        probe_timeout_s=_or(timeouts.probe_s, defaults.probe_timeout_s),
        drain_grace_s=_or(timeouts.drain_s, defaults.drain_grace_s),
        stop_grace_s=_or(timeouts.stop_s, defaults.stop_grace_s),
        pre_deploy_timeout_s=_or(timeouts.pre_deploy_s, defaults.pre_deploy_timeout_s),
        # nothing serves while an app that can't run twice drains
        stream_grace_s=0.0 if strategy == RECREATE else timeouts.websocket_drain_s,
        volumes=volumes,
        health=app.health,
        watch_s=_or(timeouts.watch_s, defaults.watch_s),
        secret_names=tuple(sorted(secret_names)),
        cron=cron_job.frozen(app.cron, commands),
    )


def _or(value: float | None, default: float) -> float:
    return default if value is None else value


def _argv(command: str | None) -> tuple[str, ...] | None:
    return tuple(shlex.split(command)) if command else None
