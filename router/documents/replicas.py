"""Replicas, and the traffic that reaches them."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from router.documents.certificates import CertificateExpiry
from router.documents.document import Document, one_of
from router.documents.usage import TIMED, Latency
from slipway.core.rollout.replica_states import ReplicaState


class Crash(Document):
    """How a replica last ended by itself."""

    at: datetime
    cause: str = Field(description="out of memory (256 MB), exit code 1, exit code 139 (SIGSEGV).")
    exit_code: int | None
    out_of_memory: bool = Field(description="The kernel had killed a process of it for lack of memory.")


class Replica(Document):
    id: str
    process: str
    slot: int
    release: int
    state: str = Field(description=one_of(ReplicaState))
    address: str | None
    restarts: int
    exit_code: int | None
    last_crash: Crash | None = Field(description="Also of one that was started again since.")
    out_of_memory_at: datetime | None = Field(
        description="When the kernel last killed a process of it for lack of memory; the replica may have run on."
    )
    memory_bytes: int = Field(description="What it may use.")
    created_at: datetime
    started_at: datetime | None = Field(description="When its container last started. null: it never ran.")
    ready_at: datetime | None
    ended_at: datetime | None


class Replicas(Document):
    replicas: list[Replica]


class Container(Document):
    """A replica that is there, with what it uses: averages over the last minutes, and what the edges count."""

    id: str
    app: str
    process: str
    slot: int
    release: int
    image: str = Field(description="The name that it was pulled by; of one that was built its app and version.")
    digest: str
    state: str = Field(description=one_of(ReplicaState))
    restarts: int
    last_crash: Crash | None
    created_at: datetime
    started_at: datetime | None
    ready_at: datetime | None
    cpus: float | None = Field(description="In use. null, here and below: nothing was measured or counted of it.")
    cpus_limit: float | None
    memory_bytes: int | None = Field(description="Without files that the kernel may drop from its cache.")
    memory_limit_bytes: int | None
    requests: int | None = Field(description="Since each edge began to count.")
    failed: int | None = Field(description="Those of them that were answered with 5xx.")
    requests_per_s: float | None = Field(description="Over the last ten seconds, of the edges that are fresh.")
    inflight: int | None = Field(description="Requests and open connections.")


class Containers(Document):
    containers: list[Container]
    found: int = Field(description="On all pages.")
    total: int = Field(description="Of the tenant.")
    by_state: dict[str, int] = Field(description="Of those that are found by all but their state.")
    page: int
    pages: int


class LastProbe(Document):
    """Replicas are probed until they answer, and then while their release is watched."""

    answered: bool
    at: datetime | None = Field(description="null: lately.")
    failures: int = Field(description="In a row.")
    error: str | None


class ReplicaHealth(Document):
    """How a replica is doing just now."""

    id: str
    app: str
    process: str
    state: str = Field(description=one_of(ReplicaState))
    ready: bool
    ready_at: datetime | None
    last_probe: LastProbe | None = Field(description="null: none has ended, or the agent does not answer.")
    restarts: int
    last_crash: Crash | None
    out_of_memory_at: datetime | None
    measured_at: datetime | None = Field(description="When the following was. null: it does not run, or no answer.")
    cpus: float | None = Field(description="In use over the last 0.2 seconds.")
    cpus_limit: float | None
    memory_bytes: int | None = Field(description="Without files that the kernel may drop from its cache.")
    memory_limit_bytes: int | None


class ReplicaStats(Document):
    """What a replica's processes use together."""

    id: str
    app: str
    at: datetime
    cpu_s: float = Field(description="CPU time since it started.")
    cpus: float = Field(description="CPUs in use over the last 0.2 seconds.")
    cpus_limit: float | None = Field(description="null: no limit. The same for the other limits.")
    throttled_s: float = Field(description="Time that its CPU limit held it back.")
    memory_bytes: int = Field(description="Without files that the kernel may drop from its cache.")
    memory_limit_bytes: int | None
    processes: int = Field(description="And threads.")
    processes_limit: int | None


class MappedReplica(Document):
    replica: str
    address: str
    port: int


class Mapping(Document):
    host: str
    app: str
    environment: str
    process: str
    replicas: list[MappedReplica]


class Mappings(Document):
    mappings: list[Mapping]


class EdgeCounts(Document):
    id: str
    fresh: bool = Field(description="It reported its counts in the last five seconds.")
    counted_at: datetime | None
    counting_since: datetime | None


class AppMetrics(Document):
    app: str
    requests: int
    by_class: dict[str, int] = Field(description="Class of status (1xx to 5xx) to requests.")
    bytes_in: int = Field(description="From clients, headers included.")
    bytes_out: int
    duration_s: float = Field(description="All requests' together, without WebSockets and event streams.")
    latency_ms: Latency | None = Field(description=TIMED)
    requests_per_s: float = Field(description="Of the edges that are fresh.")
    inflight: int = Field(description="Requests and open connections to replicas that run now.")


class Metrics(Document):
    edges: list[EdgeCounts]
    apps: list[AppMetrics]
    certificates: list[CertificateExpiry]
