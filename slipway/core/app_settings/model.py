"""How an app is built, run and reached: one model for the API, the console and the repository's `slipway.toml`.

The app's own settings (API) are overlaid by the file of the commit that is deployed: what the repository says, wins.
The JSON schema of the file is made from this model.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from slipway.core.app_settings import limits
from slipway.core.app_settings.access import AccessSettings
from slipway.core.app_settings.checked import checked
from slipway.core.app_settings.file_name import FILE_NAME
from slipway.core.app_settings.https import HttpsSettings
from slipway.core.app_settings.limits import MOST_OF_ONE, Limit
from slipway.core.app_settings.merge_patch import in_force
from slipway.core.app_settings.shell_syntax import Command
from slipway.core.app_settings.toml_lines import line_of
from slipway.core.app_settings.volumes import Mount, default_name
from slipway.core.app_settings.weights import Weights
from slipway.core.naming import build_arguments, validation
from slipway.core.naming.json_kinds import GIVEN, GivenValues
from slipway.core.naming.validation_messages import MOST, faults
from slipway.core.previews.settings import NONE_MADE, PreviewSettings
from slipway.core.runs import cron_settings
from slipway.core.runs.cron_settings import JOBS_MOST, CronSettings
from slipway.core.text import toml
from slipway.errors import InvalidInput
from slipway.settings import LEAST_CPUS, MOST_CPUS

LEAST_S = 0.01
"""Of what the edges count in milliseconds: less would become none, which means no limit or no time at all."""


Path = Annotated[str, checked(validation.url_path)]
RepositoryPath = Annotated[str, checked(validation.repository_path)]
VolumePath = Annotated[str, checked(validation.volume_path)]
Slug = Annotated[str, checked(validation.slug)]
StageName = Annotated[str, checked(validation.stage_name)]
BuildArgument = Annotated[str, checked(build_arguments.name)]
BuildArgumentValue = Annotated[str, Field(max_length=4096), checked(build_arguments.value)]


class _Model(GivenValues):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False)


class Process(_Model):
    """One kind of process that the app runs. Only `web` gets traffic."""

    command: Command | None = None
    """Argv written as one line, split like a shell splits words; no shell runs it. None: the image's own."""
    replicas: int | None = Field(default=None, ge=0, le=100)


class Build(_Model):
    builder: Literal["buildpacks", "railpack"] | None = None
    """Who builds, in place of a Dockerfile or detection: Cloud Native Buildpacks or Railpack, whose images the host
    takes from a registry."""
    dockerfile: RepositoryPath | None = None
    """None: the Dockerfile of the context folder if there is one, its name in any case; else detection."""
    context: RepositoryPath = "."
    target: StageName | None = None
    """A stage of the Dockerfile. None: the last one."""
    args: dict[BuildArgument, BuildArgumentValue] = Field(default_factory=dict, max_length=50)
    """For the ARGs of a Dockerfile. They stay readable in the image: no secrets."""


class Static(_Model):
    root: RepositoryPath | None = None
    """A folder that is a finished site: it is published as it is, but for what sites never publish. Goes before a
    Dockerfile that is only found."""


class Resources(_Model):
    memory_mb: int | None = Field(default=None, ge=16, le=1 << 20)
    cpus: float | None = Field(default=None, ge=LEAST_CPUS, le=MOST_CPUS)
    """In hundredths: the kernel gives no less than one, and would take less for no limit."""
    pids: int | None = Field(default=None, ge=8, le=32768)
    read_only: bool = True
    """The root file system is read-only; /tmp is always writable, in memory."""


class Volume(_Model):
    """Data that outlives deployments, in an app's containers at a path. At an image's own VOLUME it is that one."""

    path: VolumePath
    name: Slug | None = None
    """None: after the path, `/var/lib/data` is `var-lib-data`."""
    processes: tuple[Slug, ...] = Field(default=(), max_length=20)
    """Those that mount it; empty: every one."""
    read_only: bool = False
    shared: bool | None = None
    """False: one container at a time has it, so that one replica may run and the old release stops before the new one
    starts. None: several have it, and each deployment says so."""

    def mount(self) -> Mount:
        name = self.name or default_name(self.path)
        return Mount(name, self.path, self.processes, self.read_only, self.shared)


def _different(volumes: tuple[Volume, ...]) -> tuple[Volume, ...]:
    for what in ("path", "name"):
        values = [getattr(each.mount(), what) for each in volumes]
        twice = sorted({value for value in values if values.count(value) > 1})
        if twice:
            raise ValueError(f"two of them have the {what} {twice[0]}")
    return volumes


class RouteTimeouts(_Model):
    """Seconds. The edges' part of them."""

    connect_s: float = Field(default=2, ge=LEAST_S, le=60)
    read_s: float = Field(default=60, ge=LEAST_S, le=3600)


class Timeouts(RouteTimeouts):
    """Seconds."""

    probe_s: float | None = Field(default=None, ge=1, le=3600)
    watch_s: float | None = Field(default=None, ge=0, le=600)
    """How long a release whose replicas end or stop answering gives way to the one before; 0: never."""
    drain_s: float | None = Field(default=None, ge=0, le=86400)
    websocket_drain_s: float = Field(default=300, ge=0, le=86400)
    """For WebSockets and server-sent events; `drain_s` when that is longer."""
    stop_s: float | None = Field(default=None, ge=0, le=3600)
    pre_deploy_s: float | None = Field(default=None, ge=1, le=86400)


class Waiting(_Model):
    """Requests wait at the edge while the app has no ready replica, or as many under way as it allows."""

    requests: int = Field(default=1000, ge=0, le=10_000)
    """How many may wait at one time; 0: none does."""
    mb: int = Field(default=64, ge=0, le=10_240)
    """Their bodies together."""
    timeout_s: float = Field(default=10, ge=0, le=600)


class Ejection(_Model):
    """A replica that fails several times in a row gets no request for a while; never the last one."""

    failures: int = Field(default=5, ge=0, le=1000)
    """5xx, refused or closed connections, time-outs; 0: off."""
    pause_s: float = Field(default=5, ge=LEAST_S, le=3600)
    """Twice as long each time, up to `most_s`."""
    most_s: float = Field(default=60, ge=LEAST_S, le=3600)


class Breaker(_Model):
    """When request after request gets no answer at all, the edge refuses the app's requests for a moment."""

    failures: int = Field(default=20, ge=0, le=10_000)
    """In a row, over all replicas; 0: off."""
    pause_s: float = Field(default=5, ge=LEAST_S, le=3600)
    """Then one request tries."""


Limits = Annotated[tuple[Limit, ...], Field(max_length=MOST_OF_ONE), AfterValidator(limits.different)]


class Traffic(_Model):
    """What the edges do with an app's requests. It belongs to the route: a change is in force without new replicas."""

    balancing: Literal["round_robin", "weighted", "least_connections", "least_load"] = "round_robin"
    weights: Weights = ()
    """For `weighted`: of the first replica, the second and so on; 1 for the others."""
    max_concurrency: int | None = Field(default=None, ge=1, le=100_000)
    """Most requests under way at one time, over all replicas; more of them wait."""
    waiting: Waiting = Waiting()
    ejection: Ejection = Ejection()
    breaker: Breaker = Breaker()
    timeouts: RouteTimeouts = RouteTimeouts()
    limits: Limits = ()
    access: AccessSettings = AccessSettings()
    https: HttpsSettings = HttpsSettings()
    max_body_mb: int = Field(default=100, ge=1, le=10240)
    """Largest request body."""


class AppSettings(Traffic):
    """All optional: an empty file is a valid one."""

    app: Slug | None = None
    """Only for the command: which app is meant in this folder."""
    port: int | None = Field(default=None, ge=1, le=65535)
    """None: the image's first EXPOSE, else 8000. Always given to the replica as $PORT."""
    health: Literal["http", "tcp"] = "http"
    """`http`: a replica is ready when it answers a request. `tcp`, for what speaks no HTTP: when its port accepts a
    connection."""
    health_path: Path | None = None
    """Answered with 2xx or 3xx. None: `/` is asked for, and any status is an answer."""
    processes: dict[Slug, Process] = Field(default_factory=dict)
    build: Build = Build()
    static: Static = Static()
    resources: Resources = Resources()
    timeouts: Timeouts = Timeouts()
    strategy: Literal["rolling", "recreate"] = "rolling"
    pre_deploy: Command | None = None
    volumes: Annotated[tuple[Volume, ...], Field(max_length=20), AfterValidator(_different)] = ()
    cron: Annotated[tuple[CronSettings, ...], Field(max_length=JOBS_MOST), AfterValidator(cron_settings.different)] = ()
    paths: tuple[Annotated[str, Field(max_length=250)], ...] = Field(default=(), max_length=100)
    """Deploy only when a changed file matches one of these patterns (`services/api/**`); empty: always."""
    previews: PreviewSettings = NONE_MADE
    """Pull requests get an app each, as long as they are open."""

    def mounts(self) -> tuple[Mount, ...]:
        """The volumes that the settings declare."""
        return tuple(each.mount() for each in self.volumes)

    def first_replicas(self, process: str) -> int:
        """How many replicas a process begins with that never had a scale."""
        stated = self.processes[process].replicas if process in self.processes else None
        return 1 if stated is None else stated

    @model_validator(mode="after")
    def _one_health_check(self) -> AppSettings:
        if self.health == "tcp" and self.health_path is not None:
            raise ValueError('health = "tcp" sends no request: leave out health, or health_path')
        return self


def parse(values: dict[str, Any], context: str | None = None) -> AppSettings:
    """From JSON values. `GIVEN` as the context: what somebody sets now is held to more rules than what is kept.

    Raises:
        InvalidInput: names the field and the rule.
    """
    try:
        return AppSettings.model_validate(values, context=context)
    except ValidationError as error:
        raise _refused(error, AppSettings) from None


def file_values(content: bytes) -> dict[str, Any]:
    """The values that a repository's `slipway.toml` sets, checked, and only those."""
    try:
        text = content.decode("utf-8-sig")
        values = toml.values(text)
    except ValueError as error:
        raise InvalidInput(f"{FILE_NAME}: {error}", remedy=f"fix {FILE_NAME} and push again") from None
    try:
        AppSettings.model_validate(values, context=GIVEN)
    except ValidationError as error:
        raise _refused_in_file(error, text) from None
    return values


def overlay(app: dict[str, Any], file: dict[str, Any]) -> AppSettings:
    """The app's settings with the file's over them, table by table, value by value."""
    return parse(in_force(app, file))


_PLAIN = Traffic()


def traffic(app: dict[str, Any], file: dict[str, Any]) -> Traffic:
    """The part of `overlay` that is the edges'.

    Raises:
        InvalidInput: names the field and the rule.
    """
    chosen, _ = route_and_replicas(in_force(app, file))
    if not chosen:
        return _PLAIN
    try:
        return Traffic.model_validate(chosen)
    except ValidationError as error:
        raise _refused(error, Traffic) from None


def route_and_replicas(settings: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What of the settings is the route's, and what is the replicas'. Each has its own part of `timeouts`."""
    route = {name: value for name, value in settings.items() if name in Traffic.model_fields}
    replicas = {name: value for name, value in settings.items() if name not in Traffic.model_fields}
    timeouts = settings.get("timeouts")
    if isinstance(timeouts, dict):
        route["timeouts"] = {name: value for name, value in timeouts.items() if name in RouteTimeouts.model_fields}
        of_replicas = {name: value for name, value in timeouts.items() if name not in RouteTimeouts.model_fields}
        replicas |= {"timeouts": of_replicas} if of_replicas else {}
    return route, replicas


OF_AN_IMAGE = frozenset({"build", "static", "processes"})
"""What an image may come out differently for. Of the processes it is whether `web` has a command, where the sources are
recognised."""


def _refused_in_file(error: ValidationError, text: str) -> InvalidInput:
    def place(field: Sequence[str]) -> str:
        line = line_of(text, field)
        return f"{FILE_NAME}, line {line}: " if line else f"{FILE_NAME}: "

    remedy = f"fix {FILE_NAME} and push again; docs/reference/slipway-toml.md has all settings"
    return InvalidInput("; ".join(faults(error, AppSettings, place)), remedy=remedy)


def _refused(error: ValidationError, model: type[BaseModel]) -> InvalidInput:
    names = dict.fromkeys(str(each["loc"][0]) for each in error.errors(include_url=False) if each["loc"])
    what = f"fix {', '.join([*names][:MOST])}; " if names else ""
    remedy = f"{what}see docs/reference/slipway-toml.md for all settings"
    return InvalidInput("; ".join(faults(error, model)), remedy=remedy)
