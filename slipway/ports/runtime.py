"""The container runtime: what runs replicas. How they get an address, and what keeps them apart, is its own business.

Only the agent writes through this port. Replicas are found by labels, named deterministically, removed by id only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from slipway.core.build.image_volumes import ImageVolumes
from slipway.core.rollout.listeners import Listener
from slipway.core.terminal.channels import Channel, Size


@dataclass(frozen=True, slots=True)
class MountedVolume:
    """A volume and where a container has it."""

    id: str
    """Its name within the installation."""
    path: str
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class ReplicaSpec:
    """A replica to start."""

    id: str
    app_id: int
    app: str
    tenant_id: int
    tenant: str
    environment: str
    process: str
    release_id: int
    deployment_id: int | None
    slot: int
    digest: str
    """`sha256:…` of a local image."""
    argv: tuple[str, ...] | None
    variables: Mapping[str, str]
    """In clear; includes PORT."""
    memory_bytes: int
    cpus: float
    pids: int
    read_only: bool
    volumes: tuple[MountedVolume, ...] = ()
    """Made where they are missing, with what the image has at their path. An empty one that belongs to root is given to
    the user that it runs as."""
    user: str | None = None
    """An account of the image; None: the one that the image names."""
    alias: str | None = None
    """Another name that the replicas of its tenant reach it by. No command has it."""

    @property
    def name(self) -> str:
        """app-release-slot, the same at every try: a second start of one replica is impossible."""
        return f"{self.tenant}-{self.app}-{self.process}-r{self.release_id}-{self.slot}"


@dataclass(frozen=True, slots=True)
class Started:
    """A replica that was started."""

    container_id: str
    address: str
    """Where it is reached; its own until `ContainerRuntime.release`."""


@dataclass(frozen=True, slots=True)
class Observed:
    """A replica as the runtime lists it now."""

    container_id: str
    replica_id: str
    app_id: int
    tenant_id: int
    environment: str
    process: str
    release_id: int
    slot: int
    running: bool
    paused: bool
    address: str | None
    exit_code: int | None
    oom_killed: bool
    """The kernel killed a process of it for lack of memory, not necessarily the last one."""
    started_at: float | None
    """Unix seconds."""
    task: bool = False
    """A command, not a replica."""


class Happened(StrEnum):
    """What happened to a container."""

    STARTED = "started"
    DIED = "died"
    OUT_OF_MEMORY = "out of memory"
    """The kernel killed a process of it; the container may run on."""
    REMOVED = "removed"
    CHANGED = "changed"
    """Anything else."""


@dataclass(frozen=True, slots=True)
class Change:
    """Something that happened to a container, as the runtime reports it: true even while a listing still denies it."""

    app_id: int
    replica_id: str
    container_id: str
    what: Happened
    at: float
    """Unix seconds."""
    exit_code: int | None = None
    """Of one that died."""


@dataclass(frozen=True, slots=True)
class TaskResult:
    """How a pre-deploy command ended."""

    exit_code: int
    tail: str


@dataclass(frozen=True, slots=True)
class ResourceUse:
    """What a replica's processes use together, and what they may use; None: no limit."""

    at: float
    """Unix seconds of the look."""
    cpu_s: float
    """CPU time since it started."""
    cpus_limit: float | None
    throttled_s: float
    """Time that it was held back by its CPU limit."""
    memory_bytes: int
    """Without files that the kernel may drop from its cache."""
    memory_limit_bytes: int | None
    processes: int
    """And threads."""
    processes_limit: int | None


@dataclass(frozen=True, slots=True)
class NetworkUse:
    """What went through a replica's network since its container started, without its loopback."""

    in_bytes: int
    out_bytes: int


@dataclass(frozen=True, slots=True)
class OwnImage:
    """An image that this installation made or fetched for a deployment."""

    name: str
    """A tag of ours; its digest when it has no tag at all."""
    digest: str
    deployment_id: int


@dataclass(frozen=True, slots=True)
class TerminalSpec:
    """A program to run beside a replica's own."""

    argv: tuple[str, ...]
    size: Size | None = None
    """None: without a terminal; its two outputs are separate then."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """Beside those of the replica."""


class TerminalSession(Protocol):
    """A program that somebody runs beside a replica's own, in its container. All calls raise `DependencyUnavailable`
    when the runtime is lost."""

    def read(self, *, timeout_s: float) -> Sequence[tuple[Channel, bytes]] | None:
        """What it printed since; empty when nothing came in time. None: it has ended."""
        ...

    def write(self, data: bytes) -> None:
        """To its standard input."""
        ...

    def close_input(self) -> None:
        """Nothing more comes on its standard input."""
        ...

    def resize(self, size: Size) -> None: ...

    def exit_code(self) -> int | None:
        """None: it runs, or that is not known."""
        ...

    def end(self) -> None:
        """End it with all that it started, if it runs. Twice is once."""
        ...


class ContainerRuntime(Protocol):
    """Raises `DependencyUnavailable` when the runtime does not answer; `DeploymentFailed` when a start is refused."""

    def ensure_isolation(self) -> None:
        """Keep replicas off the host and off other tenants' replicas. Called at the start and then regularly. Raises
        `HostUnready` when that is not possible."""
        ...

    def reserve(self, tenant_id: int, replica_id: str) -> None:
        """Make sure that there is room for the replica, which is started later. Raises `DeploymentFailed` when there is
        none. Twice is once."""
        ...

    def start(self, spec: ReplicaSpec) -> Started:
        """Start a replica. A container of its name that exists already is adopted when it runs, removed and started
        anew when it does not. The address is the replica's own, the same at every start, until `release`."""
        ...

    def run_task(self, spec: ReplicaSpec, argv: tuple[str, ...], *, timeout_s: float) -> TaskResult:
        """Run a command in a named container of the release to its end; a running one of that name is adopted."""
        ...

    def start_task(self, spec: ReplicaSpec, argv: tuple[str, ...]) -> Started:
        """Start a command in a container of the release, once: one of the same spec that runs, or ran and is not
        removed yet, is adopted. It is listed as a task. Its address is its own until `release`."""
        ...

    def close_connections(self, address: str) -> None:
        """Close this host's connections to an address whose replica is gone."""
        ...

    def release(self, address: str) -> None:
        """Close what is still open to an address whose replica is gone and to which no edge sends anything any more.
        From now on it may be another replica's. Twice is once."""
        ...

    def remove_tenant(self, tenant: str) -> None:
        """Remove what the runtime keeps for a tenant that has no app any more. Nothing when it is gone."""
        ...

    def list(self) -> list[Observed]:
        """Everything of this installation, running or not."""
        ...

    def stop(self, container_id: str, *, grace_s: float) -> None:
        """SIGTERM, SIGKILL after `grace_s`. Nothing when it is gone."""
        ...

    def remove(self, container_id: str) -> None:
        """Kill and remove. Nothing when it is gone."""
        ...

    def usage(self, container_id: str) -> ResourceUse:
        """What it uses now. Cheap enough for every second. Raises `NotFound` when it does not run."""
        ...

    def network_use(self, container_id: str) -> NetworkUse | None:
        """As cheap. None: it can't be seen from here. Raises `NotFound` when it does not run."""
        ...

    def listeners(self, container_id: str) -> Sequence[Listener] | None:
        """What listens for TCP connections in it. None: it can't be seen from here. Raises `NotFound` when it does not
        run."""
        ...

    def logs(self, container_id: str, *, tail: int | None = None) -> Iterator[bytes]:
        """The last `tail` lines so far, or all (stdout and stderr, in order), each `<RFC 3339 time> <text>\\n`. Only a
        newline ends a line; one that is too long is cut, and says so. Raises `NotFound`."""
        ...

    def follow(self, container_id: str, *, tail: int | None = None, after: str = "") -> Iterator[bytes]:
        """The same lines, only those printed after the time `after`, and then those to come, without a gap, until the
        container ends. An empty line when it is open, when no other waits, and every few seconds, so that a reader
        can leave. Raises `NotFound`."""
        ...

    def open_terminal(self, container_id: str, spec: TerminalSpec) -> TerminalSession:
        """Run a program beside the container's own, with its environment and within its limits. A program that is not
        there ends at once. Raises `NotFound` when the container does not run."""
        ...

    def end_terminals(self) -> int:
        """End all such programs that run, with what they started: their agent is gone. Says how many processes."""
        ...

    def changes(self) -> Iterator[Change]:
        """What happens to this installation's containers, in order, until the runtime stops answering. Blocks."""
        ...

    def own_images(self) -> Sequence[OwnImage]:
        """Every image of this installation, by each of its tags."""
        ...

    def remove_image(self, image: str) -> None:
        """Remove a tag and what only it kept. Nothing when it is gone or in use."""
        ...

    def image_volumes(self, digest: str) -> ImageVolumes:
        """What a local image declares as VOLUME. Raises `DeploymentFailed` (`image-missing`)."""
        ...

    def volume_sizes(self) -> Mapping[str, int]:
        """Every volume of this installation, in bytes. May take seconds: they are counted file by file."""
        ...

    def remove_volume(self, volume_id: str) -> bool:
        """Remove a volume with its data; True when it is gone. False: a container has it, running or not."""
        ...
