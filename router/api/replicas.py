"""Replicas, and what they print."""

from __future__ import annotations

from typing import Annotated

from apiflask import APIBlueprint
from flask import Response, request
from pydantic import Field

from router import documents
from router.access import principal, services, stays_admitted
from router.api.deployments import EVENT_STREAM, TEXT, wants_events
from router.api.operation import Number, Query, Text, listed, operation
from router.usecases import replicas
from router.usecases.overviews import containers
from router.usecases.overviews.containers import ContainerQuery, Order
from router.usecases.streams import replica_output
from slipway.core.access.roles import Role
from slipway.core.rollout.replica_states import ReplicaState

blueprint = APIBlueprint("replicas", __name__, tag="Replicas")


class Which(Query):
    all: bool = Field(default=False, description="The last ended ones too.")


class Wanted(Query):
    words: Text = Field(default="", alias="q", description="Each is in the id, the app, the process or the image.")
    state: Annotated[ReplicaState, listed(ReplicaState)] | None = None
    app: Text = ""
    order: Annotated[Order, listed(Order)] = Order.APP
    reverse: bool = Field(default=False, description="The other way round.")
    page: Number = 1
    per_page: Annotated[int, Field(ge=1, le=500)] = 100

    @property
    def query(self) -> ContainerQuery:
        return ContainerQuery(**self.model_dump())


class Reading(Query):
    tail: Annotated[int, Field(ge=0, le=10000, description="Lines of each replica.")] = 100
    follow: bool = False
    replica: Text | None = Field(default=None, description="Only this one; it may have ended.")


@operation(blueprint, "GET", "/api/apps/<app>/replicas", role=Role.VIEWER, query=Which, output=documents.Replicas)
def list_replicas(app: str, query: Which) -> documents.Replicas:
    """An app's replicas"""
    return replicas.list_replicas(services(), principal(), app, ended=query.all)


@operation(
    blueprint,
    "GET",
    "/api/apps/<app>/logs",
    role=Role.VIEWER,
    query=Reading,
    content=(TEXT, EVENT_STREAM),
    headers={"Last-Event-ID": "Go on after this line: all since, instead of `tail`."},
)
def get_app_logs(app: str, query: Reading) -> Response:
    """What an app's replicas print

    As text (`<replica> <time> <text>`); with `follow`, or where text/event-stream is accepted, as `line` events
    `{"replica", "line"}`, of replicas that start meanwhile from their first line on, until `end`. A `notice`
    `{"replica", "text"}` says where lines are missing. Only a newline ends a line; one of more than 64 KiB is
    cut, and says so.
    """
    if wants_events(query.follow):
        replica_output.check_readable(services(), principal(), app, query.replica)
        after = request.headers.get("Last-Event-ID", "")
        return services().followers.stream(
            replica_output.follow_output(
                services(), principal(), app, replica=query.replica, tail=query.tail, after=after
            ),
            principal(),
            stays_admitted(),
        )
    return services().texts.text(
        principal(),
        lambda: replica_output.output_so_far(services(), principal(), app, replica=query.replica, tail=query.tail),
    )


@operation(blueprint, "GET", "/api/containers", role=Role.VIEWER, query=Wanted, output=documents.Containers)
def list_containers(query: Wanted) -> documents.Containers:
    """All replicas of the tenant, with what they use

    Those that are there. CPU and memory are averages over the last minutes, requests come from the edges. What is not
    known comes last in each order.
    """
    return containers.search_containers(services(), principal(), query.query)


@operation(blueprint, "GET", "/api/containers/<container>/health", role=Role.VIEWER, output=documents.ReplicaHealth)
def get_container_health(container: str) -> documents.ReplicaHealth:
    """How a replica is doing, by its id or its container's"""
    return replicas.replica_health(services(), principal(), container)


@operation(blueprint, "GET", "/api/containers/<container>/stats", role=Role.VIEWER, output=documents.ReplicaStats)
def get_container_stats(container: str) -> documents.ReplicaStats:
    """What a running replica uses: CPU, memory, processes"""
    return replicas.replica_stats(services(), principal(), container)
