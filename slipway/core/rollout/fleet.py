"""An app's wish and reality in one environment, as the rollout sees them, and the actions it can ask for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from slipway.core.app_settings.configuration import WEB
from slipway.core.deployment.ordering import Verdict
from slipway.core.deployment.states import Kind, State

STARTING, READY, DRAINING, CRASHED, GONE = "starting", "ready", "draining", "crashed", "gone"


@dataclass(frozen=True, slots=True)
class Container:
    """What the runtime tells of a replica. Times are Unix seconds."""

    id: str
    running: bool
    exit_code: int | None = None
    oom_killed: bool = False
    """A process of it was killed for lack of memory."""
    started_at: float | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """Why something can't be; becomes the deployment's error."""

    reason: str
    message: str
    remedy: str = ""
    tail: str = ""


@dataclass(frozen=True, slots=True)
class Probe:
    """The last look at whether a replica answers."""

    ready: bool
    tries: int
    error: str = ""


@dataclass(frozen=True, slots=True)
class Answers:
    """What became of the probes of a ready replica whose release is watched, and when the last of them ended."""

    asked_at: float
    failures: int = 0
    """Probes in a row that got no answer."""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Draining:
    """A replica on its way out, and what still keeps it."""

    removed_in: int | None
    """The generation that took it out of the route table; None: it never was in it."""
    confirmed_at: float | None = None
    """When every edge was first seen to have confirmed that generation."""
    inflight: int | None = None
    """Requests and open connections to it; None: an edge does not tell."""
    grace_s: float = 0.0
    streams: int | None = None
    """Those of them that are WebSockets or server-sent events."""
    stream_grace_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Replica:
    """A replica's row joined with its container."""

    id: str
    process: str
    release_id: int
    slot: int
    state: str
    container: Container | None = None
    recorded: str | None = None
    """The container's id in the row; None: no start of it was recorded."""
    target: bool = False
    """The route table sends requests to it."""
    standby: bool = False
    """The route table names it for requests that no target takes."""
    busy: bool = False
    """Something slow is being done to it; leave it alone."""
    stopping: bool = False
    """Its SIGTERM may have been sent: too late to use it again."""
    probe: Probe | None = None
    refusal: Failure | None = None
    """Why the last try to start it failed."""
    restarts: int = 0
    retry_at: float | None = None
    ready_at: float | None = None
    draining: Draining | None = None
    answers: Answers | None = None
    """While its release is watched; None: not probed yet."""
    asked: bool = False
    """A probe of the watch is under way."""

    @property
    def runs(self) -> bool:
        return self.container is not None and self.container.running


@dataclass(frozen=True, slots=True)
class Release:
    """What a release wants to run."""

    id: int
    wanted: Mapping[str, int]
    """Process → replicas."""
    probe_timeout_s: float = 30.0
    recreate: bool = False
    exclusive: bool = False
    """It mounts a volume that one container at a time may have, the pre-deploy command's included."""
    memory_bytes: int = 0
    """What each replica may use; 0: unknown."""
    watch_s: float = 0.0
    """How long it is watched after its switch; 0: nothing stands by."""
    excludes: frozenset[int] = frozenset()
    """Releases of the app that it never runs beside: one of the two mounts a volume that the other does not share."""

    def runs_beside(self, release_id: int) -> bool:
        """May it start while that one's replicas are still there?"""
        return not (self.recreate or release_id in self.excludes)


@dataclass(frozen=True, slots=True)
class Previous:
    """The deployment that was live before, and its release."""

    deployment_id: int
    release: Release


@dataclass(frozen=True, slots=True)
class Watch:
    """The time after a switch in which a release that fails gives way to the one before. Unix seconds."""

    since: float
    until: float
    previous: Previous | None = None
    """None: there is no release to give way to."""


@dataclass(frozen=True, slots=True)
class Live:
    """The deployment that serves."""

    deployment_id: int
    release: Release
    draining: bool = False
    """Its step `drain` is open."""
    watch: Watch | None = None
    """Its step `watch` is open."""


@dataclass(frozen=True, slots=True)
class Switched:
    """The targets are the new release's since this generation; not every edge need know yet."""

    generation: int
    since: float


@dataclass(frozen=True, slots=True)
class Rolling:
    """The deployment that is rolled out."""

    deployment_id: int
    kind: Kind
    state: State
    release: Release | None = None
    """None: not begun."""
    verdict: Verdict = field(default_factory=lambda: Verdict(True))
    """May it go on, with what is live now?"""
    pre_deploy: str = "none"
    """`none`, `due`, `running` or `done`."""
    switched: Switched | None = None


@dataclass(frozen=True, slots=True)
class Stopped:
    """A deployment in the agent's hands that somebody asked to stop."""

    deployment_id: int
    state: State
    why: str


@dataclass(frozen=True, slots=True)
class View:
    """One app in one environment at one moment."""

    now: float
    live: Live | None = None
    rolling: Rolling | None = None
    stopped: tuple[Stopped, ...] = ()
    replicas: tuple[Replica, ...] = ()
    confirmed: int | None = None
    """The generation that every edge confirmed; None: unknown."""
    confirm_timeout_s: float = 60.0

    @property
    def serving(self) -> Release | None:
        """Whose replicas the route table should name."""
        if self.rolling and self.rolling.switched:
            return self.rolling.release
        return self.live.release if self.live else None

    @property
    def standby(self) -> Release | None:
        """Whose replicas the route table names for requests that no target takes: the release before, while it runs."""
        coming = self.rolling.release if self.rolling and self.rolling.switched else None
        if coming:
            return self.live.release if self.live and coming.watch_s else None
        watch = self.live.watch if self.live else None
        return watch.previous.release if watch and watch.previous else None


# What can be asked for. Each is safe to repeat, and to find already done.


@dataclass(frozen=True, slots=True)
class Begin:
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
    """No new request to it; it leaves when it is quiet."""

    replica_id: str


@dataclass(frozen=True, slots=True)
class Remove:
    """Stop it, keep its output, remove it, release its address."""

    replica_id: str
    cut: int = 0
    """Connections that its grace was not long enough for."""


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
class AskReplica:
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
    Begin
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
    | AskReplica
    | GiveWay
    | EndWatch
    | EndDrain
    | Fail
    | Stop
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do now, and when to look again at the latest (Unix seconds; None: when something changes)."""

    actions: tuple[Action, ...] = ()
    look_at: float | None = None
