"""How busy replicas are, each second, for the edges of apps that are balanced by load."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable

from sqlalchemy import String, cast, or_, select

from builder.agent.scope import REASON
from slipway.db import Database
from slipway.errors import NotFound
from slipway.models import App, Build, Release, Replica, Target
from slipway.ports.routes import Load, RoutePublisher
from slipway.ports.runtime import ContainerRuntime, ResourceUse

EVERY_S = 1.0
BY_LOAD = ("least_load",)
"""Names of the strategies that read loads (nginx/lua/slipway/balancing/)."""


class LoadMeter:
    """Remembers the last sample: a share is what was used between two.

    Args:
        replicas: gives each replica that matters, with its container.
    """

    def __init__(
        self, runtime: ContainerRuntime, publisher: RoutePublisher, replicas: Callable[[], Iterable[tuple[str, str]]]
    ) -> None:
        self._runtime = runtime
        self._publisher = publisher
        self._replicas = replicas
        self._last: dict[str, ResourceUse] = {}

    def measure(self) -> None:
        """Send the edges the loads. Raises `DependencyUnavailable`: then they balance in turn until the next time."""
        uses = {}
        for replica_id, container_id in self._replicas():
            try:
                uses[replica_id] = self._runtime.usage(container_id)
            except NotFound:  # it has just ended
                continue
        before, self._last = self._last, uses
        known = {id_: (before[id_], use) for id_, use in uses.items() if id_ in before and use.at > before[id_].at}
        if uses or before:
            self._publisher.publish_loads({id_: _load(*samples) for id_, samples in known.items()})


def balanced_by_load(db: Database) -> list[tuple[str, str]]:
    """Replica and container of each target that may be chosen by load: some setting of its app has the word."""
    settings = (cast(App.settings, String), cast(Build.file_settings, String))
    query = (
        select(Replica.id, Replica.container_id)
        .join(Target, Target.replica_id == Replica.id)
        .join(App, App.id == Replica.app_id)
        .join(Release, Release.id == Replica.release_id)
        .outerjoin(Build, Build.id == Release.build_id)
        .where(or_(*(each.contains(name) for each in settings for name in BY_LOAD)))
    )
    with db.read(platform=REASON) as session:
        return [(replica_id, id_) for replica_id, id_ in session.execute(query) if id_ is not None]


def _load(before: ResourceUse, now: ResourceUse) -> Load:
    """The share of the CPUs that it may use, and of the host's when it has no limit."""
    may_use = now.cpus_limit or os.cpu_count() or 1
    share = (now.cpu_s - before.cpu_s) / (now.at - before.at) / may_use
    return Load(min(1.0, max(0.0, share)), now.at)
