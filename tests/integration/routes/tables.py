"""A platform's tables with many apps that serve, written at once: one replica and one host each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from slipway.core.app_settings.configuration import Defaults, snapshot
from slipway.core.app_settings.model import AppSettings
from slipway.db import Database
from slipway.domain.route_table import touch_routes
from slipway.models import Address, App, Build, Deployment, Domain, Edge, Release, Replica, Scale, Target, Tenant
from slipway.models.base import Base, now

WHY = "a test's tables"
PER_TENANT = 100
NOBODY_WAITS = {"waiting": {"requests": 0}}
"""A host without a target answers 503 at once."""
_DEFAULTS = Defaults(
    memory_bytes=512 << 20, cpus=1, pids=256, probe_timeout_s=30, watch_s=0, drain_grace_s=30, stop_grace_s=10,
    pre_deploy_timeout_s=600,
)  # fmt: skip


def host_of(number: int) -> str:
    return f"app-{number}.localhost"


def fill(db: Database, count: int, *, port: int = 8000, edges: Sequence[str] = ("edge-1",)) -> None:
    """Apps 1 to `count` with all their rows, as if each had been pushed once; all replicas at 127.0.0.1:`port`."""
    numbers = range(1, count + 1)
    owner = {number: (number - 1) // PER_TENANT + 1 for number in numbers}
    configuration = snapshot(AppSettings(), _DEFAULTS, variables={"KEY": "s" * 60}, exposed_port=port).to_json()
    with db.write(platform=WHY) as session:
        _add(session, Tenant, [{"id": id_, "name": f"tenant-{id_}"} for id_ in sorted(set(owner.values()))])
        _add(session, Edge, [{"id": edge} for edge in edges])

        def rows(model: type[Base], **values: Any) -> None:
            made = ({name: of(n) if callable(of) else of for name, of in values.items()} for n in numbers)
            _add(session, model, [row | {"tenant_id": owner[n]} for n, row in zip(numbers, made, strict=True)])

        same, name, replica = (lambda n: n), (lambda n: f"app-{n}"), (lambda n: f"r-{n:016x}")
        rows(App, id=same, name=name, repository="https://github.example/a/b", settings=NOBODY_WAITS, next_sequence=2)
        rows(Domain, app_id=same, host=host_of)
        rows(Scale, app_id=same, replicas=1)
        rows(
            Release, id=same, app_id=same, number=1, image=name, digest=name, build_id=same,
            configuration=configuration,
        )  # fmt: skip
        rows(
            Deployment, id=same, app_id=same, kind="push", sequence=1, image_sequence=1, idempotency_key="first",
            state="live", release_id=same, live_at=now(), steps=[],
        )  # fmt: skip
        rows(Build, id=same, app_id=same, deployment_id=same, image=name, digest=name, file_settings={"port": port})
        rows(
            Replica, id=replica, app_id=same, release_id=same, deployment_id=same, slot=1, address="127.0.0.1",
            state="ready", ready_at=now(),
        )  # fmt: skip
        rows(Target, app_id=same, replica_id=replica, address="127.0.0.1", port=port)
        rows(Address, address=lambda n: f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}", replica_id=replica)
        touch_routes(session, [host_of(1)])


def point_to(session: Session, number: int, port: int) -> int:
    """The app's replica now listens there; the generation in which that is so."""
    session.execute(update(Target).filter_by(app_id=number).values(port=port))
    return touch_routes(session, session.scalars(select(Domain.host).filter_by(app_id=number)))


def _add(session: Session, model: type[Base], rows: list[dict[str, Any]]) -> None:
    session.execute(insert(model), rows)
