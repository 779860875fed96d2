"""A container runtime in memory."""

from __future__ import annotations

import copy
import itertools
import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from slipway.adapters.docker.endpoints import EndpointAllocator
from slipway.core.build.image_volumes import ImageVolumes
from slipway.core.rollout.listeners import Listener
from slipway.errors import Conflict, DependencyUnavailable, DeploymentFailed, NotFound
from slipway.ports.runtime import (
    Change,
    Happened,
    NetworkUse,
    Observed,
    OwnImage,
    ReplicaSpec,
    ResourceUse,
    Started,
    TaskResult,
    TerminalSpec,
)
from tests.fakes.terminal import FakeTerminal


@dataclass
class FakeContainer:
    """A container, and what its program printed."""

    spec: ReplicaSpec
    observed: Observed
    output: list[bytes] = field(default_factory=list)


class FakeRuntime:
    """Containers as records. Starts succeed unless `refuse` has the replica's name or the image is unknown."""

    programs: Callable[[TerminalSpec], FakeTerminal] = FakeTerminal
    """What runs in a terminal."""

    def __init__(self, *, images: set[str] | None = None) -> None:
        self.images = images
        """Digests that exist; None: all."""
        self.away = False
        self.is_full = False
        """There is no room for another replica."""
        self.isolated = 0
        """How often isolation was ensured."""
        self.removed_tenants: list[str] = []
        self.containers: dict[str, FakeContainer] = {}
        self.refuse: dict[str, DeploymentFailed] = {}
        """Replica's name → what its start fails with."""
        self.tasks: dict[tuple[str, ...], TaskResult] = {}
        """Command → how it ends; 0 without output unless given."""
        self.started_tasks: list[tuple[str, ...]] = []
        """Commands that were started beside replicas, in order."""
        self.terminals: list[FakeTerminal] = []
        """All that were opened."""
        self.closed: list[str] = []
        """Addresses whose connections were closed."""
        self.released: list[str] = []
        self.kept_images: list[OwnImage] = []
        """What deployments made."""
        self.removed_images: list[str] = []
        self.declared_volumes: dict[str, tuple[str, ...]] = {}
        """Digest → the image's VOLUMEs."""
        self.hiding_volumes: dict[str, tuple[str, ...]] = {}
        """Digest → of these, the ones with files of its program."""
        self.volumes: dict[str, dict[str, str]] = {}
        """Volume → its files: name → text."""
        self.sockets: list[Listener] | None = []
        """What listens in every container; None: that can't be seen."""
        self._ids = itertools.count(1)
        self._hosts = itertools.count(2)
        self._addresses: dict[str, str] = {}
        """Replica → its address, until it is released."""
        self.endpoints: EndpointAllocator | None = None
        """Where addresses come from instead, if they are to be written to SQL as Docker's are."""
        self._listeners: list[queue.SimpleQueue[Change | None]] = []
        self._lock = threading.RLock()

    def copy(self) -> FakeRuntime:
        """Another runtime with the same containers, which nobody listens to."""
        assert self.endpoints is None, "its addresses are in a database"
        made = FakeRuntime()
        own = {"_lock", "_listeners", "terminals", "programs"}
        vars(made).update(copy.deepcopy({name: value for name, value in vars(self).items() if name not in own}))
        return made

    def ensure_isolation(self) -> None:
        self.isolated += 1

    def reserve(self, tenant_id: int, replica_id: str) -> None:
        self._reach()
        self._address_of(tenant_id, replica_id)

    def start(self, spec: ReplicaSpec) -> Started:
        self._reach()
        with self._lock:
            held = next((c for c in self.containers.values() if c.spec.name == spec.name and not c.observed.task), None)
            if held and held.observed.running:
                if held.spec.id != spec.id:
                    raise Conflict(f"another replica still runs as {spec.name}")
                return Started(held.observed.container_id, self._address_of(spec.tenant_id, spec.id))
            if held:
                self.remove(held.observed.container_id)
            self._may_start(spec)
            return self._add(spec)

    def run_task(self, spec: ReplicaSpec, argv: tuple[str, ...], *, timeout_s: float) -> TaskResult:  # noqa: ARG002
        self._reach()
        self._may_start(spec)
        address = self._address_of(spec.tenant_id, spec.id)
        self._make_volumes(spec)
        self._free(address, spec.id)
        return self.tasks.get(argv, TaskResult(0, ""))

    def start_task(self, spec: ReplicaSpec, argv: tuple[str, ...]) -> Started:
        self._reach()
        with self._lock:
            held = next((c for c in self.containers.values() if c.spec.id == spec.id and c.observed.task), None)
            if held:
                return Started(held.observed.container_id, self._address_of(spec.tenant_id, spec.id))
            self._may_start(spec)
            made = self._add(spec, task=True)
            self.started_tasks.append(argv)
            return made

    def list(self) -> list[Observed]:
        self._reach()
        with self._lock:
            return [container.observed for container in self.containers.values()]

    def stop(self, container_id: str, *, grace_s: float) -> None:  # noqa: ARG002
        self._reach()
        container = self.containers.get(container_id)
        if container and container.observed.running:
            self.die(container_id, exit_code=143)

    def remove(self, container_id: str) -> None:
        self._reach()
        with self._lock:
            container = self.containers.pop(container_id, None)
        if container and container.observed.running:
            self._report(container, Happened.DIED, 137)
        if container:
            self._report(container, Happened.REMOVED)

    def usage(self, container_id: str) -> ResourceUse:
        self._reach()
        container = self.containers.get(container_id)
        if container is None or not container.observed.running:
            raise NotFound("it does not run")
        at, spec = time.time(), container.spec
        return ResourceUse(
            at=at,
            cpu_s=(at - (container.observed.started_at or at)) * spec.cpus / 2,  # half of what it may
            cpus_limit=spec.cpus,
            throttled_s=0.0,
            memory_bytes=1 << 20,
            memory_limit_bytes=spec.memory_bytes,
            processes=2,
            processes_limit=spec.pids,
        )

    def network_use(self, container_id: str) -> NetworkUse | None:
        at = self.usage(container_id).at
        started_at = self.containers[container_id].observed.started_at or at
        return NetworkUse(int((at - started_at) * 1000), int((at - started_at) * 2000))

    def listeners(self, container_id: str) -> Sequence[Listener] | None:
        self.usage(container_id)
        return self.sockets

    def logs(self, container_id: str, *, tail: int | None = None) -> Iterator[bytes]:
        self._reach()
        if container_id not in self.containers:
            raise NotFound("this replica is gone")
        lines = list(self.containers[container_id].output)
        yield from lines if tail is None else lines[max(0, len(lines) - tail) :]

    def follow(self, container_id: str, *, tail: int | None = None, after: str = "") -> Iterator[bytes]:
        so_far = list(self.logs(container_id, tail=tail))
        container = self.containers[container_id]
        sent = len(container.output) - len(so_far)
        while True:
            running = self.containers.get(container_id) is container and container.observed.running
            new = container.output[sent:]
            sent += len(new)
            yield from (line for line in new if line.partition(b" ")[0].decode() > after)
            if not running and not new:
                return
            if not new:
                yield b""
                time.sleep(0.01)

    def open_terminal(self, container_id: str, spec: TerminalSpec) -> FakeTerminal:
        self._reach()
        container = self.containers.get(container_id)
        if container is None or not container.observed.running:
            raise NotFound("it does not run")
        self.terminals.append(made := self.programs(spec))
        return made

    def end_terminals(self) -> int:
        self._reach()
        left = [each for each in self.terminals if each.exit_code() is None]
        for each in left:
            each.end()
        return len(left)

    def changes(self) -> Iterator[Change]:
        self._reach()
        reported: queue.SimpleQueue[Change | None] = queue.SimpleQueue()
        self._listeners.append(reported)
        while (change := reported.get()) is not None:
            yield change

    def close_connections(self, address: str) -> None:
        self.closed.append(address)

    def release(self, address: str) -> None:
        self.released.append(address)
        self._free(address)

    def remove_tenant(self, tenant: str) -> None:
        self._reach()
        self.removed_tenants.append(tenant)

    def own_images(self) -> Sequence[OwnImage]:
        self._reach()
        return [image for image in self.kept_images if image.name not in self.removed_images]

    def remove_image(self, image: str) -> None:
        self._reach()
        self.removed_images.append(image)

    def image_volumes(self, digest: str) -> ImageVolumes:
        self._reach()
        if self.images is not None and digest not in self.images:
            raise DeploymentFailed("image-missing", "the image is gone")
        return ImageVolumes(self.declared_volumes.get(digest, ()), self.hiding_volumes.get(digest, ()))

    def volume_sizes(self) -> Mapping[str, int]:
        self._reach()
        return {name: sum(map(len, files.values())) for name, files in self.volumes.items()}

    def remove_volume(self, volume_id: str) -> bool:
        self._reach()
        used = {each.id for container in self.containers.values() for each in container.spec.volumes}
        if volume_id in used:
            return False
        self.volumes.pop(volume_id, None)
        return True

    # -- what tests do -------------------------------------------------------------------------------------------------

    def die(self, container_id: str, *, exit_code: int = 1, oom: bool = False) -> None:
        """It ends by itself."""
        with self._lock:
            container = self.containers[container_id]
            container.observed = replace(
                container.observed, running=False, paused=False, address=None, exit_code=exit_code, oom_killed=oom
            )
        if oom:
            self._report(container, Happened.OUT_OF_MEMORY)
        self._report(container, Happened.DIED, exit_code)

    def exhaust(self, container_id: str) -> None:
        """A process of it is killed for lack of memory, and the container runs on."""
        self._report(self.containers[container_id], Happened.OUT_OF_MEMORY)

    def go_away(self) -> None:
        """The runtime stops answering, and listeners for changes are cut off."""
        self.away = True
        for listener in self._listeners:
            listener.put(None)
        self._listeners.clear()

    def _reach(self) -> None:
        if self.away:
            raise DependencyUnavailable("the container runtime does not answer")

    def _may_start(self, spec: ReplicaSpec) -> None:
        if spec.name in self.refuse:
            raise self.refuse[spec.name]
        if self.images is not None and spec.digest not in self.images:
            raise DeploymentFailed("image-missing", "the image is gone")

    def _address_of(self, tenant_id: int, replica_id: str) -> str:
        """The replica's own until it is released. No address is ever given out twice."""
        if self.endpoints:
            return self.endpoints.endpoint_of(tenant_id, replica_id).address
        with self._lock:
            if self.is_full and replica_id not in self._addresses:
                raise DeploymentFailed("start-refused", "the runtime has no free address")
            if replica_id not in self._addresses:
                number = next(self._hosts)
                self._addresses[replica_id] = f"10.210.{number >> 8}.{number & 255}"
            return self._addresses[replica_id]

    def _free(self, address: str, holder: str | None = None) -> None:
        if self.endpoints:
            self.endpoints.free(address, holder)
        self._addresses = {replica_id: held for replica_id, held in self._addresses.items() if held != address}

    def _add(self, spec: ReplicaSpec, *, task: bool = False) -> Started:
        self._make_volumes(spec)
        address = self._address_of(spec.tenant_id, spec.id)
        container_id = f"{next(self._ids):064x}"
        observed = Observed(
            container_id=container_id,
            replica_id=spec.id,
            app_id=spec.app_id,
            tenant_id=spec.tenant_id,
            environment=spec.environment,
            process=spec.process,
            release_id=spec.release_id,
            slot=spec.slot,
            running=True,
            paused=False,
            address=address,
            exit_code=None,
            oom_killed=False,
            started_at=time.time(),
            task=task,
        )
        self.containers[container_id] = FakeContainer(spec, observed)
        self._report(self.containers[container_id], Happened.STARTED)
        return Started(container_id, address)

    def _make_volumes(self, spec: ReplicaSpec) -> None:
        for each in spec.volumes:
            self.volumes.setdefault(each.id, {})

    def _report(self, container: FakeContainer, what: Happened, exit_code: int | None = None) -> None:
        spec, id_ = container.spec, container.observed.container_id
        for listener in self._listeners:
            listener.put(Change(spec.app_id, spec.id, id_, what, time.time(), exit_code))
