"""What is shown of things: REST returns these documents, and whatever else shows them reads the same ones.

A field of a few values names them from the code's own enumeration (`one_of`), so that none can be forgotten here.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from slipway.core.deployment.app_state import AppState
from slipway.core.deployment.states import Kind, State
from slipway.core.push.outcome import DeliveryOutcome
from slipway.core.rollout.replica_states import ReplicaState


class Source(StrEnum):
    """What an app is deployed from."""

    GIT = "git"
    IMAGE = "image"


class VolumeState(StrEnum):
    IN_USE = "in use"
    UNUSED = "unused"
    APP_DELETED = "app deleted"
    BEING_REMOVED = "being removed"


class SystemStatus(StrEnum):
    OK = "ok"
    DEGRADED = "degraded"


Scope = Literal["run", "build"]
"""What a variable is for."""


def one_of(values: Iterable[str]) -> str:
    """`a, b or c.`"""
    *most, last = values
    return f"{', '.join(most)} or {last}."


class Document(BaseModel):
    model_config = ConfigDict(frozen=True)


class Account(Document):
    tenant: str
    role: str
    token: str = Field(description="The name of the token that asks.")


class ReleaseRef(Document):
    number: int
    digest: str = Field(description="The id, on this host, of the image that its replicas run.")


class DeploymentRef(Document):
    id: int
    release: int | None = Field(description="Its number.")
    commit: str
    digest: str = Field(description="As in a deployment.")


class Step(Document):
    name: str
    started_at: datetime
    ended_at: datetime | None
    seconds: float | None
    ok: bool | None = Field(description="null while it runs.")
    note: str


class Deployment(Document):
    """One try to make a commit or an image live."""

    id: int
    app: str
    environment: str
    kind: str = Field(description=one_of(Kind))
    sequence: int = Field(description="Its place in the order of the app's intents.")
    state: str = Field(description=one_of(State))
    stopping: bool = Field(description="It was asked to stop, and will not go live.")
    source: str = Field(description=one_of(Source))
    ref: str = Field(description="What was asked for: a branch, tag or commit, or an image's name.")
    commit: str = Field(description="Empty where an image was pulled, and until it is known.")
    digest: str = Field(description="Of a pulled image: its digest in the registry, sha256:…; else empty.")
    message: str
    pushed_by: str
    actor: str
    release: ReleaseRef | None
    previous: DeploymentRef | None = Field(description="What was live when this one switched.")
    reason: str = Field(description="Stable code of how it ended, such as build-failed.")
    detail: str
    meaning: str = Field(description="What serves now, after one that did not go live; as it is when it is asked.")
    remedy: str
    tail: str = Field(description="The last lines of the build's or the replica's output.")
    steps: list[Step]
    notices: list[str] = Field(description="What its owner should know although it goes on, such as a shared volume.")
    created_at: datetime
    started_at: datetime | None
    live_at: datetime | None
    ended_at: datetime | None
    url: str
    log_url: str
    serving: DeploymentRef | None = Field(description="What is live now; meaning says whether it serves.")


class BranchHead(Document):
    """Where an app's branch is now."""

    ref: str
    commit: str | None = Field(description="null: the repository has no such branch.")
    delivered: bool = Field(
        description="The branch's newest push has this commit, or a comparison with the repository has seen it since."
    )
    hook: str | None = Field(description="The hook that delivers the repository's pushes, if there is one.")


class Deployments(Document):
    deployments: list[Deployment]


class ReplicaCount(Document):
    wanted: int
    ready: int


class App(Document):
    name: str
    tenant: str
    source: str = Field(description=one_of(Source))
    repository: str
    branch: str
    image: str
    settings: dict[str, Any]
    urls: list[str]
    state: str = Field(description=one_of(AppState))
    live: Deployment | None
    latest: Deployment | None
    replicas: ReplicaCount
    created_at: datetime


class Apps(Document):
    apps: list[App]


class HookSecret(Document):
    id: int
    created_at: datetime
    expires_at: datetime | None


class Hook(Document):
    id: str
    url: str
    repository: str
    secret: str | None = Field(description="Only when it was just made; it can't be had again.")
    secrets: list[HookSecret]


class Hooks(Document):
    hooks: list[Hook]


class CreatedApp(App):
    hook: Hook | None
    notices: list[str] = Field(description="What else it means, each with what to do about it.")


class ChangedApp(Document):
    app: App
    deployment: Deployment | None
    at_the_edge: bool = False
    """Only what the edges do has changed: it is in force within a second, and nothing is deployed."""
    with_next_build: list[str] = Field(
        description="Changed settings that only builds read (build, static), or the next push is compared by (paths)."
    )
    notices: list[str] = Field(description="What else it means, each with what to do about it.")


class DeletedApp(Document):
    name: str
    notices: list[str] = Field(description="What else it means, each with what to do about it.")
    kept_volumes: list[str] = Field(description="Their data stays until each is removed.")
    removed_volumes: list[str] = Field(description="They go with it.")


class Delivery(Document):
    delivery_id: str
    event: str
    ref: str
    commit: str
    outcome: str = Field(description=one_of(DeliveryOutcome))
    reason: str
    received_at: datetime
    deployments: list[int]


class Deliveries(Document):
    deliveries: list[Delivery]


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


class ReplicaHealth(Document):
    id: str
    state: str
    ready: bool
    app: str


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


class Scale(Document):
    process: str
    replicas: int


class Variable(Document):
    name: str
    scope: str = Field(description=one_of(get_args(Scope)))
    value: str | None = Field(description="null for viewers.")
    updated_at: datetime


class Variables(Document):
    variables: list[Variable]


class ChangedVariables(Variables):
    changed: list[str] = Field(description="The names that were set to another value, or removed.")
    deployment: Deployment | None


class Volume(Document):
    """Data that an app keeps over its deployments, in one environment."""

    id: str = Field(description="Its name; in the container runtime that of the instance stands before it.")
    app: str
    environment: str
    name: str = Field(description="Within the app and environment.")
    path: str = Field(description="Where it was mounted last.")
    state: str = Field(description=one_of(VolumeState))
    size_bytes: int | None = Field(description="null while it is not known.")
    used_by: list[str] = Field(description="The replicas that have it.")
    created_at: datetime
    used_at: datetime = Field(description="When a container was last given it.")


class Volumes(Document):
    volumes: list[Volume]


class Domain(Document):
    host: str
    url: str
    process: str
    created_at: datetime


class Domains(Document):
    domains: list[Domain]


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
    requests_per_s: float = Field(description="Of the edges that are fresh.")
    inflight: int = Field(description="Requests and open connections to replicas that run now.")


class Metrics(Document):
    edges: list[EdgeCounts]
    apps: list[AppMetrics]


class Token(Document):
    id: int
    name: str
    role: str
    hint: str
    created_at: datetime
    expires_at: datetime | None
    used_at: datetime | None


class IssuedToken(Token):
    token: str = Field(description="Shown this once.")


class Tokens(Document):
    tokens: list[Token]


class ServiceHealth(Document):
    ok: bool
    detail: str = ""


class EdgeHealth(Document):
    id: str
    ok: bool = Field(description="It serves the newest routes.")
    epoch: str
    generation: int
    confirmed_at: datetime | None


class System(Document):
    status: str = Field(description=one_of(SystemStatus))
    database: ServiceHealth
    redis: ServiceHealth
    agent: ServiceHealth
    generation: int = Field(description="Of the route table.")
    edges: list[EdgeHealth]
    workers: int
    queue_length: int


class Status(Document):
    status: str


class Problem(Document):
    """RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    remedy: str | None = None
    request_id: str | None = None
    errors: list[dict[str, str]] | None = Field(default=None, description="Field by field, for invalid input.")
