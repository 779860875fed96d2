"""Apps, with what is configured of them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, Literal, get_args

from pydantic import Field

from router.documents.certificates import HostCertificate
from router.documents.deployments import Deployment
from router.documents.document import Document, Source, one_of
from slipway.core.deployment.app_state import AppState
from slipway.core.push.outcome import DeliveryOutcome

Scope = Literal["run", "build"]
"""What a variable is for."""


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
    file_settings: dict[str, Any] = Field(
        description="What slipway.toml of the live commit sets: it goes before settings."
    )
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
    behind_file: list[str] = Field(
        description="Changed settings that slipway.toml of the live commit sets, too: its values hold."
    )
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


class Scale(Document):
    process: str
    replicas: int


class Variable(Document):
    name: str
    scope: str = Field(description=one_of(get_args(Scope)))
    value: str | None = Field(description="null for viewers, and in a dry run.")
    secret: bool = Field(description="Marked as secret: masked in output, however ordinary its value looks.")
    updated_at: datetime


class Variables(Document):
    variables: list[Variable]


class ChangedVariables(Variables):
    changed: list[str] = Field(description="The names that were set to another value, or removed.")
    deployment: Deployment | None


class VolumeState(StrEnum):
    IN_USE = "in use"
    UNUSED = "unused"
    APP_DELETED = "app deleted"
    BEING_REMOVED = "being removed"


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
    """In its ASCII form; `*.x` is every name one label below x that is no host of its own."""
    name: str
    """The host as people read it, unless it could be taken for another one by its looks: then as `host`."""
    url: str
    process: str
    redirect_to: str | None
    """The host of the app to which this one redirects."""
    proven_at: datetime | None
    """When a TXT record showed that the domain is the tenant's; null: none was asked for."""
    certificate: HostCertificate | None = Field(description="null: this installation serves no HTTPS.")
    created_at: datetime


class Domains(Document):
    domains: list[Domain]
