"""An app's desired and observed state in one environment at one moment: what `decide` decides on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from slipway.core.deployment.ordering import Verdict
from slipway.core.deployment.states import Kind, State
from slipway.core.rollout.failure import Failure, ProbeError
from slipway.core.rollout.probe_pace import ProbePace


@dataclass(frozen=True, slots=True)
class Container:
    """What the runtime reports of a replica. Times are Unix seconds."""

    id: str
    running: bool
    exit_code: int | None = None
    oom_killed: bool = False
    """A process of it was killed for lack of memory."""
    started_at: float | None = None


@dataclass(frozen=True, slots=True)
class Probe:
    """The last probe of a replica that is starting."""

    pace: ProbePace
    error: ProbeError | None = None
    """None: it answered."""
    not_http: int = 0
    """Rounds in a row whose last answer was something that is not HTTP."""


@dataclass(frozen=True, slots=True)
class WatchProbe:
    """The probes of a ready replica whose release is watched."""

    ended_at: float
    """When the last of them ended."""
    failures: int = 0
    """Probes in a row that got no answer."""
    error: ProbeError | None = None
    """Why the last of them got none."""


@dataclass(frozen=True, slots=True)
class Draining:
    """A replica on its way out, and what still keeps it running."""

    removed_in: int | None
    """The generation that took it out of the route table; None: it never was in it."""
    confirmed_at: float | None = None
    """When every edge was first seen to have confirmed that generation."""
    inflight: int | None = None
    """Requests and open connections to it; None: an edge does not report them."""
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
    """A background task works on it; leave it alone."""
    stopping: bool = False
    """Its SIGTERM may have been sent: too late to use it again."""
    probe: Probe | None = None
    refusal: Failure | None = None
    """Why the last try to start it failed."""
    restarts: int = 0
    retry_at: float | None = None
    ready_at: float | None = None
    draining: Draining | None = None
    watch_probe: WatchProbe | None = None
    """While its release is watched; None: not probed yet."""
    watch_probe_runs: bool = False

    @property
    def runs(self) -> bool:
        return self.container is not None and self.container.running


@dataclass(frozen=True, slots=True)
class Release:
    """How many replicas of each process a release shall have, and what they need."""

    id: int
    wanted: Mapping[str, int]
    """Process → desired replicas."""
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

    held_back: frozenset[str] = frozenset()
    """Processes that get no new replicas: a run has a volume that the two do not share."""

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
    """The generation that gave the new release the targets; edges may not have confirmed it yet."""

    generation: int
    since: float


@dataclass(frozen=True, slots=True)
class Rolling:
    """The deployment that is rolled out."""

    deployment_id: int
    kind: Kind
    state: State
    release: Release | None = None
    """None: its configuration is not frozen yet."""
    verdict: Verdict = field(default_factory=lambda: Verdict(True))
    """May it go on, with what is live now?"""
    pre_deploy: str = "none"
    """`none`, `due`, `running` or `done`."""
    switched: Switched | None = None


@dataclass(frozen=True, slots=True)
class Stopped:
    """A deployment claimed by the agent that somebody asked to stop."""

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
