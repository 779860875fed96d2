"""What a replica becomes in Docker's terms: labels, limits and isolation; and what Docker's answers mean as a replica.

The isolation is the same for all: every capability dropped, no new privileges, a read-only root (unless the app asks
otherwise) with /tmp in memory, own IPC, no published port, no mount of the host's files, bounds for memory (no swap on
top), CPU, processes and output. A user id 0 in the image is allowed: without capabilities it owns the
container's files and nothing else.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from docker import APIClient
from docker.errors import NotFound
from docker.types import LogConfig, Ulimit

from slipway.adapters.docker.endpoints import Endpoint
from slipway.adapters.docker.networks import INSTANCE_LABEL, TENANT_LABEL
from slipway.adapters.docker.volumes import APP_LABEL, volume_mounts
from slipway.adapters.linux.bridge_names import network_name
from slipway.ports.runtime import Change, Happened, Observed, ReplicaSpec

TASK_LABEL = "slipway.task"
REPLICA_LABEL = "slipway.replica"
DEPLOYMENT_LABEL = "slipway.deployment"
PROCESS_LABEL = "slipway.process"

OOM_SCORE = 500  # short of memory, the kernel takes a replica before Redis or the edge
_LOG_FILES = {"max-size": "10m", "max-file": "2"}
_NEVER = "0001-01-01"
_LEAST_NANO_CPUS = 10_000_000
"""The kernel's least quota is a hundredth of a CPU. The Engine takes less for no limit."""
HAPPENED = {
    "start": Happened.STARTED,
    "die": Happened.DIED,
    "oom": Happened.OUT_OF_MEMORY,
    "destroy": Happened.REMOVED,
    "pause": Happened.CHANGED,
    "unpause": Happened.CHANGED,
}
"""The Engine's events of containers that it is asked for."""


def replica_name(instance: str, spec: ReplicaSpec) -> str:
    return f"{instance}-{spec.name}"


def task_name(instance: str, spec: ReplicaSpec) -> str:
    return f"{instance}-{spec.name}-task"


def labels(instance: str, spec: ReplicaSpec, *, task: bool) -> dict[str, str]:
    given = {
        INSTANCE_LABEL: instance,
        APP_LABEL: spec.app_id,
        TENANT_LABEL: spec.tenant_id,
        "slipway.environment": spec.environment,
        PROCESS_LABEL: spec.process,
        "slipway.release": spec.release_id,
        "slipway.slot": spec.slot,
        REPLICA_LABEL: spec.id,
        DEPLOYMENT_LABEL: "" if spec.deployment_id is None else spec.deployment_id,
        TASK_LABEL: "1" if task else "",
    }
    return {name: str(value) for name, value in given.items()}


@dataclass(frozen=True, slots=True)
class ContainerPlan:
    """A container to create."""

    spec: ReplicaSpec
    endpoint: Endpoint
    argv: tuple[str, ...] | None
    """Takes the place of the image's CMD; its ENTRYPOINT stays."""
    task: bool
    """It runs a command of the replica's release instead of the replica."""


def creation(api: APIClient, instance: str, plan: ContainerPlan) -> dict[str, Any]:
    """Arguments of `create_container`."""
    spec = plan.spec
    network = network_name(instance, spec.tenant)
    aliases = [spec.alias] if spec.alias and not plan.task else None
    endpoints: Any = {
        network: api.create_endpoint_config(ipv4_address=plan.endpoint.address, aliases=aliases)
    }  # the stubs are wrong here
    return {
        "image": spec.digest,
        "name": task_name(instance, spec) if plan.task else replica_name(instance, spec),
        "command": list(plan.argv) if plan.argv else None,
        "hostname": spec.id,
        "user": spec.user,
        "environment": [f"{name}={value}" for name, value in spec.variables.items()],
        "labels": labels(instance, spec, task=plan.task),
        "healthcheck": {"test": ["NONE"]},  # the agent probes over the network; an image's own would run for nobody
        "host_config": _host_config(api, instance, spec, network),
        "networking_config": api.create_networking_config(endpoints),
    }


def _host_config(api: APIClient, instance: str, spec: ReplicaSpec, network: str) -> Any:
    return api.create_host_config(
        network_mode=network,
        init=True,
        cap_drop=["ALL"],
        security_opt=["no-new-privileges"],
        ipc_mode="private",
        read_only=spec.read_only,
        tmpfs={"/tmp": _tmp(spec)},  # noqa: S108
        mem_limit=spec.memory_bytes,
        memswap_limit=spec.memory_bytes,
        nano_cpus=max(math.ceil(spec.cpus * 1e9), _LEAST_NANO_CPUS),
        pids_limit=spec.pids,
        ulimits=[Ulimit(name="core", soft=0, hard=0)],  # open files: the Engine's own, which not every host can raise
        oom_score_adj=OOM_SCORE,
        log_config=LogConfig(type=LogConfig.types.JSON, config=_LOG_FILES),
        mounts=volume_mounts(instance, spec),
    )


def _tmp(spec: ReplicaSpec) -> str:
    """In memory, and counted as the replica's own. Programs run from it only where the root is writable too: a
    read-only root is meant to leave no place to put one."""
    mode = "noexec" if spec.read_only else "exec"
    return f"rw,{mode},nosuid,nodev,mode=1777,size={spec.memory_bytes // 2}"


@dataclass(frozen=True, slots=True)
class Course:
    """What a list of containers lacks: when one started, and how it ended."""

    started_at: float | None
    exit_code: int | None
    oom_killed: bool

    @classmethod
    def of(cls, inspected: Mapping[str, Any]) -> Course:
        state = inspected["State"]
        ended = state["Status"] in ("exited", "dead")
        return cls(unix_time(state["StartedAt"]), state["ExitCode"] if ended else None, bool(state["OOMKilled"]))


class Courses:
    """Remembers them until a container's state changes, so that an ordinary look at all replicas is one call."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[str, Course]] = {}
        self._lock = threading.Lock()

    def of(self, api: APIClient, listed: list[dict[str, Any]]) -> dict[str, Course]:
        """Container id → course. Those that vanished meanwhile are left out."""
        with self._lock:
            known = self._known
        courses: dict[str, tuple[str, Course]] = {}
        for container in listed:
            container_id, state = container["Id"], container["State"]
            if known.get(container_id, ("",))[0] == state:
                courses[container_id] = known[container_id]
                continue
            with suppress(NotFound):
                courses[container_id] = (state, Course.of(api.inspect_container(container_id)))
        with self._lock:
            self._known = courses
        return {container_id: course for container_id, (_, course) in courses.items()}


def observed(listed: Mapping[str, Any], course: Course) -> Observed:
    """A container of the list as a replica. Raises KeyError or ValueError when its labels are not ours in full."""
    said = listed["Labels"]
    return Observed(
        container_id=listed["Id"],
        replica_id=said[REPLICA_LABEL],
        app_id=int(said[APP_LABEL]),
        tenant_id=int(said[TENANT_LABEL]),
        environment=said["slipway.environment"],
        process=said[PROCESS_LABEL],
        release_id=int(said["slipway.release"]),
        slot=int(said["slipway.slot"]),
        running=listed["State"] in ("running", "paused"),
        paused=listed["State"] == "paused",
        address=address_of(listed),
        exit_code=course.exit_code,
        oom_killed=course.oom_killed,
        started_at=course.started_at,
        task=bool(said[TASK_LABEL]),
    )


def address_of(container: Mapping[str, Any]) -> str | None:
    """None: it does not run."""
    networks = container["NetworkSettings"]["Networks"].values()
    return next((network["IPAddress"] for network in networks if network["IPAddress"]), None)


def change(event: Mapping[str, Any]) -> Change | None:
    """An event of the Engine as a change; None: its container is nobody's replica."""
    said = event["Actor"]["Attributes"]
    app_id, replica_id = said.get(APP_LABEL, ""), said.get(REPLICA_LABEL, "")
    if not app_id.isdecimal() or not replica_id:
        return None
    exit_code = said.get("exitCode", "")
    return Change(
        app_id=int(app_id),
        replica_id=replica_id,
        container_id=event["Actor"]["ID"],
        what=HAPPENED.get(event["Action"], Happened.CHANGED),
        at=event["timeNano"] / 1e9,
        exit_code=int(exit_code) if exit_code.isdecimal() else None,
    )


def unix_time(text: str) -> float | None:
    """Of the Engine's RFC 3339 time; None for its "never"."""
    return None if text.startswith(_NEVER) else datetime.fromisoformat(text).timestamp()
