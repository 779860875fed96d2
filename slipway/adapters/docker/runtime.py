"""The container runtime on Docker. Only containers that carry this installation's label are ever listed or touched.

Each tenant has a bridge network of its own, and each replica a fixed address in it (`endpoints`); iptables keeps them
off the host and off each other.

A replica's container has a name made of app, release and slot, so a second start of one replica is impossible: it finds
the first. Removal is by id only, so a late removal never hits a successor of the same name.
Programs run under the Engine's init process, which passes signals on and reaps children; a command that is not in the
image therefore ends with exit code 127 and not with a refused start.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any

import requests
from docker import APIClient
from docker.errors import APIError, ImageNotFound, NotFound
from docker.types import CancellableStream

from slipway import errors
from slipway.adapters.docker import containers, exec_session, follow, output, volumes
from slipway.adapters.docker.address_book import AddressBook
from slipway.adapters.docker.containers import ContainerPlan
from slipway.adapters.docker.endpoints import EndpointAllocator
from slipway.adapters.docker.engine import DockerEngine, sentence
from slipway.adapters.docker.exec_session import ExecSession
from slipway.adapters.docker.images import own_images
from slipway.adapters.docker.networks import INSTANCE_LABEL, TenantNetworks
from slipway.adapters.firewall import install
from slipway.adapters.linux import cgroups, listening, network_use
from slipway.adapters.linux.connections import close_connections_to
from slipway.core.build.image_volumes import ImageVolumes
from slipway.core.rollout.listeners import Listener
from slipway.errors import Conflict, DependencyUnavailable, DeploymentFailed, SlipwayError
from slipway.ports.runtime import (
    Change,
    NetworkUse,
    Observed,
    OwnImage,
    ReplicaSpec,
    ResourceUse,
    Started,
    TaskResult,
    TerminalSpec,
)
from slipway.settings import Settings

log = logging.getLogger(__name__)

TAIL_LINES = 100
_STOP_GRACE_S = 5  # of a pre-deploy command that takes too long


class DockerRuntime:
    """`slipway.ports.runtime.ContainerRuntime` on the Docker Engine at `settings.docker_host`. Thread-safe."""

    def __init__(self, settings: Settings, book: AddressBook, engine: DockerEngine | None = None) -> None:
        self._settings = settings
        self._instance = settings.instance
        self._engine = engine or DockerEngine(settings.docker_host)
        self._networks = TenantNetworks(self._engine, self._instance)
        self._endpoints = EndpointAllocator(settings, book, self._networks)
        self._courses = containers.Courses()

    def close(self) -> None:
        """Close idle connections to the Engine."""
        self._engine.close()

    def ensure_isolation(self) -> None:
        install.ensure(self._settings)

    def reserve(self, tenant_id: int, replica_id: str) -> None:
        self._endpoints.endpoint_of(tenant_id, replica_id)

    def start(self, spec: ReplicaSpec) -> Started:
        """Start, or adopt what runs under the replica's name and id.

        Raises:
            Conflict: another replica still runs under that name.
            DeploymentFailed: `image-missing`, `address-taken` or `start-refused`.
        """
        plan = self._plan(spec, spec.argv, task=False)
        with self._engine.asked_to(f"start {spec.name}") as api:
            found = self._create(api, plan)
            if isinstance(found, str):
                return Started(self._start(api, found, plan), plan.endpoint.address)
            if not _runs(found):
                api.remove_container(found["Id"], force=True, v=True)
                return Started(self._start(api, self._create_anew(api, plan), plan), plan.endpoint.address)
            if found["Config"]["Labels"].get(containers.REPLICA_LABEL) != spec.id:
                raise Conflict(
                    f"Another replica still runs as {spec.name}.", remedy="take another slot, or wait until it is gone"
                )
            return Started(str(found["Id"]), containers.address_of(found) or plan.endpoint.address)

    def run_task(self, spec: ReplicaSpec, argv: tuple[str, ...], *, timeout_s: float) -> TaskResult:
        """Run to the end and remove the container. One of the same deployment that runs, or ended unseen, is adopted.

        Raises:
            DeploymentFailed: `pre-deploy-timeout`, with the tail; `image-missing`, `address-taken`, `start-refused`.
        """
        plan = self._plan(spec, argv, task=True)
        try:
            result = self._run_task(plan, timeout_s)
        except DependencyUnavailable:
            raise  # its container may still have the address: the next try adopts both, or the agent removes them
        except SlipwayError:
            self._endpoints.free(plan.endpoint.address, spec.id)
            raise
        self._endpoints.free(plan.endpoint.address, spec.id)
        return result

    def start_task(self, spec: ReplicaSpec, argv: tuple[str, ...]) -> Started:
        """Start, or adopt what has the spec's name and id, running or ended.

        Raises:
            DeploymentFailed: `image-missing`, `address-taken` or `start-refused`.
        """
        plan = self._plan(spec, argv, task=True)
        with self._engine.asked_to(f"run a command of {spec.name}") as api:
            container_id, _began = self._begin_task(api, plan)
        return Started(container_id, plan.endpoint.address)

    def _run_task(self, plan: ContainerPlan, timeout_s: float) -> TaskResult:
        with self._engine.asked_to(f"run a command of {plan.spec.name}") as api:
            container_id, began = self._begin_task(api, plan)
            code = _wait(api, container_id, began + timeout_s - time.time())
            tail = "\n".join(output.without_time(line) for line in self.logs(container_id, tail=TAIL_LINES))
            api.remove_container(container_id, force=True, v=True)
        if code is None:
            raise DeploymentFailed(
                "pre-deploy-timeout",
                f"The pre-deploy command did not end within {timeout_s:g} s and was stopped.",
                remedy="make it faster, or raise timeouts.pre_deploy_s",
                tail=tail,
            )
        return TaskResult(code, tail)

    def list(self) -> list[Observed]:
        with self._engine.asked_to("list its containers") as api:
            every = api.containers(all=True, filters={"label": f"{INSTANCE_LABEL}={self._instance}"})
            listed = [each for each in every if volumes.HELPER_LABEL not in each["Labels"]]
            courses = self._courses.of(api, listed)
        pairs = [(container, courses.get(container["Id"])) for container in listed]
        return [replica for container, course in pairs if course and (replica := _as_observed(container, course))]

    def stop(self, container_id: str, *, grace_s: float) -> None:
        with self._engine.asked_to(f"stop {container_id[:12]}") as api:
            try:
                api.stop(container_id, timeout=math.ceil(grace_s))
            except NotFound:
                return

    def remove(self, container_id: str) -> None:
        with self._engine.asked_to(f"remove {container_id[:12]}") as api:
            try:
                api.remove_container(container_id, force=True, v=True)  # v: anonymous volumes only
            except APIError as error:
                if error.status_code not in (404, 409):  # 409: its removal is under way
                    raise

    def usage(self, container_id: str) -> ResourceUse:
        """From its control group's files: the Engine's own figures take it a second each."""
        return cgroups.use_of(container_id)

    def network_use(self, container_id: str) -> NetworkUse | None:
        """As one of its processes sees it: its network is a namespace of its own."""
        pid = cgroups.process_of(container_id)
        return network_use.of_process(pid) if pid else None

    def listeners(self, container_id: str) -> Sequence[Listener] | None:
        """As one of its processes sees them, without the Engine's own."""
        pid = cgroups.process_of(container_id)
        found = listening.of_process(pid) if pid else None
        return None if found is None else [each for each in found if not each.is_the_engines]

    def logs(self, container_id: str, *, tail: int | None = None) -> Iterator[bytes]:
        """Raises `NotFound` when there is no such container."""
        with self._engine.asked_to(f"give the output of {container_id[:12]}") as api:
            if tail is None:
                yield from output.lines(_messages(api, container_id, "all"))
            else:
                yield from output.last_lines(lambda last: _messages(api, container_id, last), tail)

    def follow(self, container_id: str, *, tail: int | None = None, after: str = "") -> Iterator[bytes]:
        """Raises `NotFound` when there is no such container. One answer of the Engine has it all, so nothing is lost
        between what was printed and what comes."""
        with self._engine.asked_to(f"follow the output of {container_id[:12]}") as api:
            last = self.logs(container_id, tail=tail) if tail else ()
            since = max(after, min(map(output.time_of, last), default=""))  # they come as they ended, not as they began
            lines = follow.followed_lines(
                self._engine.url,
                api.api_version,
                container_id,
                since=follow.unix_text(since),
                tail="0" if tail == 0 else "all",
            )
            yield from follow.newer(lines, after)

    def open_terminal(self, container_id: str, spec: TerminalSpec) -> ExecSession:
        """Raises `NotFound` when it does not run, and `HostUnready` where the program could not be ended."""
        return ExecSession(self._engine, container_id, spec)

    def end_terminals(self) -> int:
        return sum(exec_session.end_left_running(each.container_id) for each in self.list() if each.running)

    def changes(self) -> Iterator[Change]:
        filters = {"type": "container", "label": f"{INSTANCE_LABEL}={self._instance}", "event": [*containers.HAPPENED]}
        with self._engine.asked_to("report its events") as api:
            events: CancellableStream[Any] = api.events(filters=filters, decode=True)
        with closing(events):
            for event in events:
                if change := containers.change(event):
                    yield change

    def close_connections(self, address: str) -> None:
        close_connections_to(address)

    def release(self, address: str) -> None:
        """Frees the address only while no replica is recorded for it: another one may have got it since."""
        close_connections_to(address)
        self._endpoints.free(address)

    def remove_tenant(self, tenant: str) -> None:
        self._networks.remove(tenant)

    def own_images(self) -> Sequence[OwnImage]:
        with self._engine.asked_to("list its images") as api:
            return own_images.listed(api, self._instance)

    def remove_image(self, image: str) -> None:
        with self._engine.asked_to(f"remove the image {image}") as api:
            try:
                api.remove_image(image)
            except APIError as error:
                if error.status_code not in (404, 409):  # 409: in use
                    raise

    def image_volumes(self, digest: str) -> ImageVolumes:
        with self._engine.asked_to(f"describe the image {digest}") as api:
            try:
                inspected: dict[str, Any] = api.inspect_image(digest)  # type: ignore[no-untyped-call]
            except ImageNotFound as error:
                raise _refused(error) from error
            return volumes.of_image(api, self._instance, digest, inspected.get("Config") or {})

    def volume_sizes(self) -> Mapping[str, int]:
        with self._engine.asked_to("measure its volumes") as api:
            return volumes.sizes(api, self._instance)

    def remove_volume(self, volume_id: str) -> bool:
        with self._engine.asked_to(f"remove the volume {volume_id}") as api:
            return volumes.remove(api, self._instance, volume_id)

    def _plan(self, spec: ReplicaSpec, argv: tuple[str, ...] | None, *, task: bool) -> ContainerPlan:
        """The container for the replica, in the tenant's network, which is there afterwards."""
        endpoint = self._endpoints.endpoint_of(spec.tenant_id, spec.id)
        self._networks.ensure(spec.tenant, endpoint.subnet)
        return ContainerPlan(spec, endpoint, argv, task)

    def _create(self, api: APIClient, plan: ContainerPlan) -> str | dict[str, Any]:
        """The new container's id, or the container that has its name already."""
        wanted = containers.creation(api, self._instance, plan)
        for _ in range(3):  # one that has the name may be removed before it is inspected
            try:
                return str(api.create_container(**wanted)["Id"])
            except APIError as error:
                if error.status_code != 409:
                    raise _refused(error) from error
            try:
                found: dict[str, Any] = api.inspect_container(wanted["name"])
            except NotFound:
                continue
            if found["Config"]["Labels"].get(INSTANCE_LABEL) != self._instance:
                raise Conflict(f"A container named {wanted['name']} exists that is not Slipway's.")
            return found
        raise Conflict(f"The name {wanted['name']} belongs to a container that is being removed.")

    def _create_anew(self, api: APIClient, plan: ContainerPlan) -> str:
        made = self._create(api, plan)
        if isinstance(made, str):
            return made
        raise Conflict(f"{plan.spec.name} is being started by another process.")

    def _start(self, api: APIClient, container_id: str, plan: ContainerPlan) -> str:
        try:
            volumes.give_to_user(api, self._instance, container_id, plan.spec)
            try:
                api.start(container_id)
            except NotFound as error:
                if "network" not in sentence(error):
                    raise
                self._networks.ensure(plan.spec.tenant, plan.endpoint.subnet)  # it was removed
                api.start(container_id)
        except APIError as error:
            api.remove_container(container_id, force=True, v=True)
            raise _refused(error) from error
        return container_id

    def _begin_task(self, api: APIClient, plan: ContainerPlan) -> tuple[str, float]:
        """(container, Unix time of its start), running or ended."""
        found = self._create(api, plan)
        if isinstance(found, str):
            return self._start(api, found, plan), time.time()
        began = containers.unix_time(found["State"]["StartedAt"])
        same = found["Config"]["Labels"].get(containers.REPLICA_LABEL) == plan.spec.id
        if began is not None and same:
            return found["Id"], began
        api.remove_container(found["Id"], force=True, v=True)
        return self._start(api, self._create_anew(api, plan), plan), time.time()


def _messages(api: APIClient, container_id: str, tail: int | str) -> Iterator[output.Message]:
    """The last messages so far; `all`."""
    response = api.get(
        f"{api.base_url}/v{api.api_version}/containers/{container_id}/logs",
        params={"stdout": 1, "stderr": 1, "timestamps": 1, "tail": tail},
        stream=True,
        timeout=api.timeout,
    )
    with closing(response):
        if response.status_code == 404:
            raise errors.NotFound("This replica is gone, and its output with it.")
        response.raise_for_status()
        yield from output.frames(response.raw)


def _runs(inspected: dict[str, Any]) -> bool:
    return bool(inspected["State"]["Running"])


def _as_observed(container: dict[str, Any], course: containers.Course) -> Observed | None:
    try:
        return containers.observed(container, course)
    except (KeyError, ValueError) as error:
        log.warning("a container has our label but not all", extra={"container": container["Id"], "why": str(error)})
        return None


def _wait(api: APIClient, container_id: str, left_s: float) -> int | None:
    """Its exit code; None: it did not end in time and was killed. One that was removed counts as killed."""
    try:
        return int(api.wait(container_id, timeout=max(1, math.ceil(left_s)))["StatusCode"])
    except NotFound:
        return 137
    except (requests.Timeout, requests.ConnectionError) as error:
        # requests reports a read that timed out in the middle of a response as a lost connection
        if isinstance(error, requests.ConnectionError) and "timed out" not in str(error).lower():
            raise
    api.stop(container_id, timeout=_STOP_GRACE_S)
    return None


def _refused(error: APIError) -> DeploymentFailed:
    said = sentence(error)
    if isinstance(error, ImageNotFound):
        return DeploymentFailed(
            "image-missing", "The release's image is no longer on this host.", remedy="deploy the commit again"
        )
    if "address already in use" in said.lower():
        return DeploymentFailed("address-taken", f"The replica's address is in use: {said}", remedy="deploy again")
    return DeploymentFailed(
        "start-refused",
        f"The container runtime refused to start the replica: {said}",
        remedy="fix the app's settings or its Dockerfile, and deploy again",
    )
