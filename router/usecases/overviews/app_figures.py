"""What an app and its replicas do just now: requests as edges count them, and what was used in the last minutes."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from router.principal import Principal
from router.services import Services
from router.usecases.finding import app_named
from router.usecases.streams.figures import counts_now
from slipway.adapters.redis.edge_metrics import Counts, Kind, Subject
from slipway.domain.usage.recent import RecentUse, replicas_use

_UNASKED = Counts(0, 0, 0.0)
"""No edge has counted it yet."""


@dataclass(frozen=True, slots=True)
class ReplicaFigures:
    counts: Counts
    use: RecentUse | None
    """None: nothing was measured."""


@dataclass(frozen=True, slots=True)
class FiguresNow:
    counts: Counts
    replicas: Mapping[str, ReplicaFigures]
    """By id."""


def app_figures(services: Services, principal: Principal, app_name: str, replicas: Sequence[str]) -> FiguresNow:
    """Of the app, and of these of its replicas."""
    with services.db.read(tenant_id=principal.tenant_id) as session:
        app = Subject(Kind.APP, str(app_named(session, app_name).id))
        use = replicas_use(session, time.time(), replicas)
    counted = counts_now(services, [app, *(Subject(Kind.REPLICA, each) for each in replicas)])
    return FiguresNow(
        counted.get(app, _UNASKED),
        {each: ReplicaFigures(counted.get(Subject(Kind.REPLICA, each), _UNASKED), use.get(each)) for each in replicas},
    )
