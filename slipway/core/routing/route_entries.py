"""The route table's content and what of it has to be published (docs/reference/edge-protocol.md)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from slipway.core.access import path_rules
from slipway.core.app_settings.access import AccessSettings
from slipway.core.app_settings.limits import Limit, kept
from slipway.core.app_settings.model import Traffic

NOT_DEPLOYED, SCALED_TO_ZERO = "not-deployed", "scaled-to-zero"
"""Why nothing is meant to serve; the edges' codes (docs/reference/edge.md)."""


@dataclass(frozen=True, slots=True)
class Backend:
    """A ready replica's address."""

    id: str
    address: str
    port: int
    slot: int = 1


@dataclass(frozen=True, slots=True)
class Service:
    """What a host leads to."""

    app_id: int
    app: str
    tenant: str
    backends: tuple[Backend, ...] = ()
    standby: tuple[Backend, ...] = ()
    """For requests that no backend takes: the release before, while the new one is watched."""
    stopped: str = ""
    """Why nothing is meant to serve: `NOT_DEPLOYED` or `SCALED_TO_ZERO`; empty: something is."""
    traffic: Traffic = Traffic()
    tenant_id: int = 0
    tenant_limits: tuple[Limit, ...] = ()
    """For all apps of the tenant together."""
    plan_limits: tuple[Limit, ...] = ()
    """The same, by the tenant's plan."""
    limits_are_readable: bool = True
    """False: the app is protected by limits that nobody understands, so nobody is let in."""
    access_is_readable: bool = True
    """False: the same of its policies."""
    redirect_to: str = ""
    """Another host of the app: the edge sends whoever asks there."""


UNREADABLE = "unreadable"
"""A value that no edge takes for limits or policies: it answers 503."""


def entry(service: Service, generation: int, *, sign_on: bool = False) -> dict[str, Any]:
    """The route table's entry. Without backends the edge answers 503: the app exists and has no ready replica. With
    `sign_on` an app that says nothing of access is its tenant's alone."""
    traffic = service.traffic
    ordered = sorted(service.backends, key=lambda backend: backend.id)
    return {
        "app": str(service.app_id),
        "name": service.app,
        "tenant": service.tenant,
        "generation": generation,
        "targets": [_target(each, traffic) for each in ordered],
        "timeouts": {"connect_s": traffic.timeouts.connect_s, "read_s": traffic.timeouts.read_s},
        "max_body_bytes": traffic.max_body_mb << 20,
        **({"standby": [_target(each, traffic) for each in service.standby]} if service.standby else {}),
        **({"stopped": service.stopped} if service.stopped else {}),
        **_choices(traffic),
        **({"limits": limits} if (limits := _limits(service)) else {}),
        **({} if service.limits_are_readable else {"limits": UNREADABLE}),
        **({"access": access} if (access := _access(traffic.access, sign_on)) else {}),
        **({} if service.access_is_readable else {"access": UNREADABLE}),
        **({"redirect_to": service.redirect_to} if service.redirect_to else {}),
    }


@lru_cache(maxsize=1024)
def _access(settings: AccessSettings, sign_on: bool) -> dict[str, Any] | None:
    return path_rules.entry(settings.resolved(sign_on=sign_on))


def _limits(service: Service) -> list[dict[str, Any]]:
    """By `id` an edge counts; by `name` clients know a limit."""
    own = [(f"app-{service.app_id}/{each.name}", each.name, each) for each in service.traffic.limits]
    of_tenant = [
        (f"tenant-{service.tenant_id}/{each.name}", f"tenant/{each.name}", each) for each in service.tenant_limits
    ]
    by_plan = [(f"plan-{service.tenant_id}/{each.name}", f"plan/{each.name}", each) for each in service.plan_limits]
    return [{**kept(each), "id": id_, "name": name} for id_, name, each in (*own, *of_tenant, *by_plan)]


def _target(backend: Backend, traffic: Traffic) -> dict[str, Any]:
    target: dict[str, Any] = {"id": backend.id, "address": backend.address, "port": backend.port}
    if traffic.balancing == "weighted" and backend.slot <= len(traffic.weights):
        target["weight"] = traffic.weights[backend.slot - 1]
    return target


@lru_cache(maxsize=1024)
def _choices(traffic: Traffic) -> Mapping[str, Any]:
    """What was chosen. The defaults are the edges' too, so that ten thousand entries need not repeat them."""
    chosen = traffic.model_dump(
        exclude_defaults=True, exclude={"weights", "timeouts", "max_body_mb", "limits", "access", "https"}
    )
    waiting = chosen.get("waiting", {})
    if "mb" in waiting:
        waiting["bytes"] = waiting.pop("mb") << 20
    return chosen


@dataclass(frozen=True, slots=True)
class Publication:
    """What to publish: the generations whose changes follow what is published, or everything under a new epoch."""

    generations: tuple[int, ...] = ()
    everything: bool = False


def publication(
    epoch: str, generation: int, published: tuple[str, int] | None, changed: Collection[int]
) -> Publication:
    """Compare the table in SQL with what is published, as (epoch, generation).

    `changed` are the generations whose changes are still recorded. A gap, a foreign epoch, a generation from the
    future or nothing at all means that the published copy can't be repaired by deltas.
    """
    if published is None or published[0] != epoch or published[1] > generation:
        return Publication(everything=True)
    missing = tuple(range(published[1] + 1, generation + 1))
    if not set(missing) <= set(changed):
        return Publication(everything=True)
    return Publication(generations=missing)


def confirmed_by_all(edges: Collection[str], confirmed: Mapping[str, tuple[str, int]], epoch: str) -> int | None:
    """The generation that every registered edge holds; None when one is silent or in another epoch."""
    positions = [confirmed.get(edge) for edge in edges]
    if not all(position is not None and position[0] == epoch for position in positions):
        return None
    return min((position[1] for position in positions if position is not None), default=None)
