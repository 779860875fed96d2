"""The actions that a rollout can take. Each is safe to repeat, and to find already done."""

from __future__ import annotations

from dataclasses import dataclass

from slipway.core.app_settings.configuration import WEB
from slipway.core.deployment.states import State
from slipway.core.rollout.failure import Failure
from slipway.core.rollout.view import Container


@dataclass(frozen=True, slots=True)
class Freeze:
    """Freeze the configuration, make the release."""

    deployment_id: int


@dataclass(frozen=True, slots=True)
class RunPreDeploy:
    deployment_id: int


@dataclass(frozen=True, slots=True)
class CreateReplica:
    """A row and an address for a new replica."""

    release_id: int
    process: str
    slot: int
    deployment_id: int


@dataclass(frozen=True, slots=True)
class Launch:
    """Start a replica's container, removing what is left of an earlier one."""

    replica_id: str


@dataclass(frozen=True, slots=True)
class Adopt:
    """Record a container that was found."""

    replica_id: str
    container_id: str


@dataclass(frozen=True, slots=True)
class ProbeReplica:
    replica_id: str


@dataclass(frozen=True, slots=True)
class MarkReady:
    replica_id: str


@dataclass(frozen=True, slots=True)
class MarkCrashed:
    """It ended, or never got ready: out of the route table, started again at `retry_at`."""

    replica_id: str
    exit_code: int | None
    restarts: int
    retry_at: float
    why: str
    ended: Container | None = None
    """Its container, if that ended by itself."""


@dataclass(frozen=True, slots=True)
class Reuse:
    """Take a draining replica back."""

    replica_id: str


@dataclass(frozen=True, slots=True)
class Drain:
    """Out of the route table; it is removed when its requests have ended."""

    replica_id: str


@dataclass(frozen=True, slots=True)
class Remove:
    """Stop it, keep its output, remove it, release its address."""

    replica_id: str
    cut: int = 0
    """Connections that are still open when its grace is over."""


@dataclass(frozen=True, slots=True)
class SetTargets:
    """The route table names exactly these replicas for the process."""

    process: str
    replica_ids: tuple[str, ...]
    standby_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Switch:
    """SetTargets for a deployment that isn't live yet, if it still may."""

    deployment_id: int
    replica_ids: tuple[str, ...]
    standby_ids: tuple[str, ...] = ()
    process: str = WEB


@dataclass(frozen=True, slots=True)
class GoLive:
    deployment_id: int
    generation: int


@dataclass(frozen=True, slots=True)
class ProbeWatched:
    """Probe a ready replica whose release is watched."""

    replica_id: str


@dataclass(frozen=True, slots=True)
class GiveWay:
    """The live deployment fails, and the one before is live again. `replica_id`: whose output tells why."""

    deployment_id: int
    previous_id: int
    failure: Failure
    replica_id: str
    standby_ids: tuple[str, ...] = ()
    """The previous release's replicas, which get the targets."""


@dataclass(frozen=True, slots=True)
class EndWatch:
    """`failure`: what happened within it, where there is no release to give way to."""

    deployment_id: int
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class EndDrain:
    deployment_id: int


@dataclass(frozen=True, slots=True)
class Fail:
    """`replica_id`: whose output tells why."""

    deployment_id: int
    failure: Failure
    replica_id: str | None = None
    ended: Container | None = None
    """That replica's container, if it ended by itself."""


@dataclass(frozen=True, slots=True)
class Stop:
    deployment_id: int
    state: State
    why: str
    reason: str = ""


Action = (
    Freeze
    | RunPreDeploy
    | CreateReplica
    | Launch
    | Adopt
    | ProbeReplica
    | MarkReady
    | MarkCrashed
    | Reuse
    | Drain
    | Remove
    | SetTargets
    | Switch
    | GoLive
    | ProbeWatched
    | GiveWay
    | EndWatch
    | EndDrain
    | Fail
    | Stop
)


@dataclass(frozen=True, slots=True)
class Plan:
    """The actions of now, and the latest time of the next pass (Unix seconds; None: when something changes)."""

    actions: tuple[Action, ...] = ()
    recheck_at: float | None = None
