"""What a release freezes beside its image: the configuration snapshot that rollback goes back to."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from slipway.core.app_settings import AppSettings

WEB = "web"
PRODUCTION = "production"
DEFAULT_PORT = 8000


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


@dataclass(frozen=True, slots=True)
class Configuration:
    """All that is needed to run a release again just as it ran. Variables' values stay sealed in here."""

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
    volumes: Mapping[str, str] = field(default_factory=dict)
    """Volume → mount path."""
    stream_grace_s: float = 0.0
    """How long WebSockets and server-sent events may stay when their replica retires."""
    health: str = "tcp"
    """How a replica without a `health_path` is probed. A release frozen before there was a choice runs as it ran."""
    watch_s: float = 0.0
    """How long it is watched after the switch."""

    @property
    def probe(self) -> str:
        """`path`, `http` or `tcp`."""
        return "path" if self.health_path else self.health

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Configuration:
        """Values that releases no longer freeze are left out."""
        commands = {name: tuple(argv) if argv else None for name, argv in values["commands"].items()}
        pre_deploy = tuple(values["pre_deploy"]) if values["pre_deploy"] else None
        known = {each.name: values[each.name] for each in fields(cls) if each.name in values}
        return cls(**{**known, "commands": commands, "pre_deploy": pre_deploy})


def snapshot(
    app: AppSettings, defaults: Defaults, *, variables: Mapping[str, str], exposed_port: int | None
) -> Configuration:
    """Freeze the settings as they are when starting begins.

    The port is the setting's, else the image's first EXPOSE, else 8000.
    """
    resources, timeouts = app.resources, app.timeouts
    commands = {name: _argv(process.command) for name, process in app.processes.items()}
    return Configuration(
        port=app.port or exposed_port or DEFAULT_PORT,
        health_path=app.health_path,
        commands={WEB: None} | commands,
        variables=dict(variables),
        memory_bytes=resources.memory_mb << 20 if resources.memory_mb else defaults.memory_bytes,
        cpus=resources.cpus or defaults.cpus,
        pids=resources.pids or defaults.pids,
        read_only=resources.read_only,
        strategy=app.strategy,
        pre_deploy=_argv(app.pre_deploy),
        probe_timeout_s=_or(timeouts.probe_s, defaults.probe_timeout_s),
        drain_grace_s=_or(timeouts.drain_s, defaults.drain_grace_s),
        stop_grace_s=_or(timeouts.stop_s, defaults.stop_grace_s),
        pre_deploy_timeout_s=_or(timeouts.pre_deploy_s, defaults.pre_deploy_timeout_s),
        # nothing serves while an app that can't run twice drains
        stream_grace_s=0.0 if app.strategy == "recreate" else timeouts.websocket_drain_s,
        health=app.health,
        watch_s=_or(timeouts.watch_s, defaults.watch_s),
    )


def _or(value: float | None, default: float) -> float:
    return default if value is None else value


def _argv(command: str | None) -> tuple[str, ...] | None:
    return tuple(shlex.split(command)) if command else None
