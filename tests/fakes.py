"""Fakes of the ports, one class a port. tests/contracts runs the same suite on them and on the real adapters.

What only a test does to a fake stands below the port's own methods.
"""

from __future__ import annotations

import itertools
import queue
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

from slipway.core.build.image_volumes import ImageVolumes
from slipway.core.build.step_cache import DeletedApp
from slipway.errors import Conflict, DependencyUnavailable, DeploymentFailed, NotFound, SubnetTaken
from slipway.ports.building import BuildSpec, Built, Commit, Interrupted, Repository, Stopped
from slipway.ports.routes import Entries, Load, Position, UnderWay
from slipway.ports.runtime import Change, Happened, Observed, OwnImage, ReplicaSpec, ResourceUse, TaskResult


@dataclass
class FakeContainer:
    """A container, and what the fake was told to do with it."""

    spec: ReplicaSpec
    observed: Observed
    output: list[bytes] = field(default_factory=list)


class FakeRuntime:
    """Containers as records. Starts succeed unless `refuse` holds the replica's name or the image is unknown."""

    def __init__(self, *, images: set[str] | None = None) -> None:
        self.images = images
        """Digests that exist; None: all."""
        self.away = False
        self.networks: dict[str, str] = {}
        self.containers: dict[str, FakeContainer] = {}
        self.refuse: dict[str, DeploymentFailed] = {}
        """Replica's name → what its start fails with."""
        self.tasks: dict[tuple[str, ...], TaskResult] = {}
        """Command → how it ends; 0 without output unless given."""
        self.closed: list[str] = []
        self.kept_images: list[OwnImage] = []
        """What deployments made."""
        self.removed_images: list[str] = []
        self.declared_volumes: dict[str, tuple[str, ...]] = {}
        """Digest → the image's VOLUMEs."""
        self.hiding_volumes: dict[str, tuple[str, ...]] = {}
        """Digest → of these, the ones with files of its program."""
        self.volumes: dict[str, dict[str, str]] = {}
        """Volume → its files: name → text."""
        self._ids = itertools.count(1)
        self._listeners: list[queue.SimpleQueue[Change | None]] = []
        self._lock = threading.RLock()

    def ensure_network(self, tenant: str, subnet: str) -> None:
        self._reach()
        others = (IPv4Network(taken) for other, taken in self.networks.items() if other != tenant)
        if any(IPv4Network(subnet).overlaps(other) for other in others):
            raise SubnetTaken(f"{subnet} overlaps with another network")
        self.networks[tenant] = subnet

    def remove_network(self, tenant: str) -> None:
        self._reach()
        self.networks.pop(tenant, None)

    def start(self, spec: ReplicaSpec) -> str:
        self._reach()
        with self._lock:
            held = next((c for c in self.containers.values() if c.spec.name == spec.name and not c.observed.task), None)
            if held and held.observed.running:
                if held.spec.id != spec.id:
                    raise Conflict(f"another replica still runs as {spec.name}")
                return held.observed.container_id
            if held:
                self.remove(held.observed.container_id)
            self._may_start(spec)
            return self._add(spec, task=False)

    def run_task(self, spec: ReplicaSpec, argv: tuple[str, ...], *, timeout_s: float) -> TaskResult:  # noqa: ARG002
        self._reach()
        self._may_start(spec)
        self._make_volumes(spec)
        return self.tasks.get(argv, TaskResult(0, ""))

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
            self._tell(container, Happened.DIED, 137)
        if container:
            self._tell(container, Happened.REMOVED)

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

    def changes(self) -> Iterator[Change]:
        self._reach()
        told: queue.SimpleQueue[Change | None] = queue.SimpleQueue()
        self._listeners.append(told)
        while (change := told.get()) is not None:
            yield change

    def close_idle_connections(self, address: str) -> None:
        self.closed.append(address)

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
            self._tell(container, Happened.OUT_OF_MEMORY)
        self._tell(container, Happened.DIED, exit_code)

    def exhaust(self, container_id: str) -> None:
        """A process of it is killed for lack of memory, and the container runs on."""
        self._tell(self.containers[container_id], Happened.OUT_OF_MEMORY)

    def go_away(self) -> None:
        """The runtime stops answering, and whoever listens for changes is cut off."""
        self.away = True
        for told in self._listeners:
            told.put(None)
        self._listeners.clear()

    def _reach(self) -> None:
        if self.away:
            raise DependencyUnavailable("the container runtime does not answer")

    def _may_start(self, spec: ReplicaSpec) -> None:
        if spec.name in self.refuse:
            raise self.refuse[spec.name]
        if self.images is not None and spec.digest not in self.images:
            raise DeploymentFailed("image-missing", "the image is gone")
        if any(c.observed.address == spec.address for c in self.containers.values()):
            raise DeploymentFailed("address-taken", f"{spec.address} is in use")

    def _add(self, spec: ReplicaSpec, *, task: bool) -> str:
        self._make_volumes(spec)
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
            address=spec.address,
            exit_code=None,
            oom_killed=False,
            started_at=time.time(),
            task=task,
        )
        self.containers[container_id] = FakeContainer(spec, observed)
        self._tell(self.containers[container_id], Happened.STARTED)
        return container_id

    def _make_volumes(self, spec: ReplicaSpec) -> None:
        for each in spec.volumes:
            self.volumes.setdefault(each.id, {})

    def _tell(self, container: FakeContainer, what: Happened, exit_code: int | None = None) -> None:
        spec, id_ = container.spec, container.observed.container_id
        for told in self._listeners:
            told.put(Change(spec.app_id, spec.id, id_, what, time.time(), exit_code))


class FakePublisher:
    """The table in memory, and edges that confirm when a test says so (or at once: `confirm_at_once`)."""

    def __init__(self, *edges: str, confirm_at_once: bool = False) -> None:
        self.edges = edges
        self.confirm_at_once = confirm_at_once
        self.away = False
        self.table: dict[str, dict[str, Any]] = {}
        self.published: list[Position] = []
        self.counts: dict[tuple[str, str], int | None] = {}
        """(edge, target) → requests under way; None: the edge does not tell. 0 unless given."""
        self.inflight_calls = 0
        self.loads: dict[str, Load] = {}
        self._position: Position | None = None
        self._confirmed: dict[str, Position] = {}

    def position(self) -> Position | None:
        self._reach()
        return self._position

    def publish(self, position: Position, changes: Entries) -> None:
        self._reach()
        held = self._position
        if held is None or held.epoch != position.epoch or position.generation - held.generation not in (0, 1):
            raise DependencyUnavailable("not the table that was published")
        for host, entry in changes.items():
            if entry is None:
                self.table.pop(host, None)
            else:
                self.table[host] = entry
        self._moved(position)

    def publish_all(self, position: Position, table: Entries) -> None:
        self._reach()
        self.table = {host: entry for host, entry in table.items() if entry is not None}
        self._moved(position)

    def confirmations(self) -> Mapping[str, Position]:
        self._reach()
        return dict(self._confirmed)

    def inflight(self, edges: Collection[str], target_ids: Collection[str]) -> Mapping[str, Mapping[str, UnderWay]]:
        self._reach()
        self.inflight_calls += 1
        return {edge: self._under_way(edge, target_ids) for edge in edges if self._reports(edge, target_ids)}

    def _reports(self, edge: str, target_ids: Collection[str]) -> bool:
        return edge in self._confirmed and all(self.counts.get((edge, each), 0) is not None for each in target_ids)

    def _under_way(self, edge: str, target_ids: Collection[str]) -> dict[str, UnderWay]:
        counts = self.counts
        return {
            each: UnderWay(counts.get((edge, each)) or 0, counts.get((edge, f"{each} streams")) or 0)
            for each in target_ids
        }

    def tell_loads(self, loads: Mapping[str, Load]) -> None:
        self._reach()
        self.loads = dict(loads)

    # -- what tests do -------------------------------------------------------------------------------------------------

    def confirm(self, *edges: str) -> None:
        """These edges (all, when none is named) hold what is published."""
        assert self._position is not None
        for edge in edges or self.edges:
            self._confirmed[edge] = self._position

    def lose(self) -> None:
        """Redis comes back empty."""
        self.table, self._position = {}, None

    def _moved(self, position: Position) -> None:
        self._position = position
        self.published.append(position)
        if self.confirm_at_once:
            self.confirm()

    def _reach(self) -> None:
        if self.away:
            raise DependencyUnavailable("the routes can't be published")


class FakeSources:
    """Repositories as branch heads."""

    def __init__(self) -> None:
        self.heads: dict[tuple[str, str], str] = {}
        """(URL, full ref) → commit."""
        self.asked: list[Repository] = []
        self.failure: DeploymentFailed | None = None

    def resolve(self, repository: Repository, ref: str) -> str | None:
        self.asked.append(repository)
        if self.failure:
            raise self.failure
        return self.heads.get((repository.url, ref))

    def fetch(self, repository: Repository, sha: str, into: Path, *, stopped: Stopped) -> Commit:
        if sha not in {commit for (url, _), commit in self.heads.items() if url == repository.url}:
            raise DeploymentFailed("commit-missing", f"{sha[:7]} is not there")
        if stopped():
            raise Interrupted
        (into / "Dockerfile").write_text("FROM scratch\n")
        return Commit(sha, "A change", "someone")

    def changed(
        self,
        repository: Repository,
        old: str,
        new: str,
        folder: Path,  # noqa: ARG002
        *,
        stopped: Stopped,  # noqa: ARG002
    ) -> frozenset[str]:
        raise DeploymentFailed("commit-missing", f"nothing is known of {repository.url}, {old[:7]} and {new[:7]}")


class FakeBuilder:
    """Builds nothing, and remembers what it was asked."""

    def __init__(self) -> None:
        self.specs: list[BuildSpec] = []
        self.forgot: list[str | DeletedApp] = []
        self.local: set[str] = set()

    def build(self, spec: BuildSpec, *, output: Callable[[str], None], stopped: Stopped, timeout_s: float) -> Built:  # noqa: ARG002
        if stopped():
            raise Interrupted
        self.specs.append(spec)
        output("built")
        return Built(f"sha256:{len(self.specs):064x}", 8000, "app", 1 << 20, 3, 0)

    def free_bytes(self) -> int:
        return 1 << 40

    def local_image(self, reference: str) -> bool:
        return reference in self.local

    def forget_sources(self) -> None:
        self.forgot.append("sources")

    def forget_steps(self, deleted: DeletedApp) -> None:
        self.forgot.append(deleted)


class FakeLog:
    """Lines in memory."""

    def __init__(self) -> None:
        self.lines: dict[int, list[str]] = {}
        self.finished: set[int] = set()
        self.removed: list[int] = []

    def append(self, deployment_id: int, line: str) -> None:
        self.lines.setdefault(deployment_id, []).append(line)

    def finish(self, deployment_id: int) -> None:
        self.finished.add(deployment_id)

    def read(self, deployment_id: int) -> Iterator[str]:
        yield from self.lines.get(deployment_id, ())

    def follow(self, deployment_id: int, *, after: str = "0") -> Iterator[tuple[str, str]]:
        for position, line in enumerate(self.lines.get(deployment_id, ()), start=1):
            if position > int(after):
                yield str(position), line

    def remove(self, deployment_id: int) -> None:
        self.removed.append(deployment_id)
        self.lines.pop(deployment_id, None)
