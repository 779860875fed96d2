"""A platform's rows as the console's budgets name them: apps with replicas, deployments and a day of use."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from redis import Redis
from sqlalchemy import insert

from slipway.adapters.redis import keys
from slipway.core.usage.fields import RESOURCES, TRAFFIC, Usage
from slipway.core.usage.packing import MINUTES, pack
from slipway.db import Database
from slipway.domain.quota import plans
from slipway.domain.tokens import create_tenant_if_missing, issue_token
from slipway.models import (
    App,
    AuditRecord,
    Base,
    Delivery,
    Deployment,
    Domain,
    Edge,
    Hook,
    Release,
    Replica,
    Scale,
    UsageDay,
    UsageHour,
    UsageMinute,
    UsageSubject,
    now,
)
from tests.bench.usage import traffic, use
from tests.fixtures.releases import frozen

WHY = "bench"
DEPLOYMENTS, REPLICAS = 10, 3
"""Of each app."""
HOURS, DAYS = 24, 30
"""Of use that is kept. Before the last two hours it stands in hours, as the agent seals them."""
EDGE = "edge-1"
_AT_ONCE = 5_000
_PACKED = 40
"""Different hours, which subjects have in turn: to make one takes longer than to write it."""


@dataclass(frozen=True, slots=True)
class Filled:
    """A tenant with a token of an owner."""

    tenant: str
    tenant_id: int
    token: str
    token_hash: str
    apps: list[str]
    deployment: int
    """One that is live."""
    hook: str


def fill(db: Database, redis: Redis, tenant: str, apps: int, first_id: int = 0) -> Filled:
    """`first_id`: below all ids that are written, so that no two tenants' are the same."""
    with db.write(platform=WHY) as session:
        plans.host_quotas(session, {})
        owner = create_tenant_if_missing(session, tenant)
        row, text = issue_token(session, owner, "bench")
        tenant_id, token_hash = owner.id, row.hashed
        if session.get(Edge, EDGE) is None:
            session.add(Edge(id=EDGE))
    rows = Rows(tenant_id, tenant, apps, first_id)
    for model, values in rows.all():
        _insert(db, model, values)
    report(redis, rows.replica_ids())
    newest = rows.deployment_id(0, DEPLOYMENTS - 1)
    return Filled(tenant, tenant_id, text, token_hash, rows.names, newest, rows.hook_id(0))


def report(redis: Redis, replicas: list[str]) -> None:
    """What an edge counts of them, as it writes it each second."""
    with redis.pipeline(transaction=False) as pipe:
        for each in replicas:
            counted = {"requests": [0, 9000, 0, 20, 3], "requests_per_s": 4.2}
            pipe.hset(keys.replica_metrics(EDGE), each, json.dumps(counted))
            pipe.hset(keys.inflight(EDGE), each, 2)
        for key in (keys.replica_metrics(EDGE), keys.inflight(EDGE), keys.metrics(EDGE)):
            pipe.hset(key, "at", time.time())
        pipe.execute()


@dataclass
class Rows:
    tenant_id: int
    tenant: str
    apps: int
    first_id: int

    def __post_init__(self) -> None:
        self.chance = random.Random(self.first_id)
        self.at = now()
        self.names = [f"{self.tenant}-app-{number:04}" for number in range(self.apps)]
        self._own = {"tenant_id": self.tenant_id}

    def all(self) -> Iterator[tuple[type[Base], Iterator[dict[str, Any]]]]:
        """In the order in which rows refer to each other."""
        yield from (
            (App, self._apps()),
            (Scale, self._scales()),
            (Domain, self._domains()),
            (Hook, self._hooks()),
            (Delivery, self._deliveries()),
            (Release, self._releases()),
            (Deployment, self._deployments()),
            (Replica, self._replicas()),
            (AuditRecord, self._audit()),
            (UsageSubject, self._subjects()),
            (UsageHour, self._hours()),
            (UsageDay, self._days()),
            (UsageMinute, self._minutes()),
        )

    def deployment_id(self, app: int, number: int) -> int:
        return (self.first_id + app) * DEPLOYMENTS + number + 1

    def hook_id(self, app: int) -> str:
        return f"{self.first_id + app:032x}"

    def replica_ids(self) -> list[str]:
        return [self._replica_id(app, slot) for app in range(self.apps) for slot in range(REPLICAS)]

    def _replica_id(self, app: int, slot: int) -> str:
        return f"r-{self.first_id + app:06}-{slot}"

    def _app_id(self, app: int) -> int:
        return self.first_id + app + 1

    def _image(self, app: int, number: int) -> str:
        return f"sha256:{self.deployment_id(app, number):064x}"

    def _made(self, app: int, number: int) -> datetime:
        """Deployments are hours apart, and apps' own times differ."""
        return self.at - timedelta(hours=7 * (DEPLOYMENTS - number), minutes=app % 400)

    def _apps(self) -> Iterator[dict[str, Any]]:
        for app, name in enumerate(self.names):
            repository = f"github.example/{self.tenant}/{name}"
            yield {
                "id": self._app_id(app),
                "name": name,
                "repository": f"https://{repository}.git",
                "repository_identity": repository,
                "settings": {"health_path": "/health", "replicas": REPLICAS},
                "next_sequence": DEPLOYMENTS + 1,
                "created_at": self.at - timedelta(days=60),
                "changed_at": self.at - timedelta(days=1),
            } | self._own

    def _scales(self) -> Iterator[dict[str, Any]]:
        for app in range(self.apps):
            yield {"app_id": self._app_id(app), "replicas": REPLICAS} | self._own

    def _domains(self) -> Iterator[dict[str, Any]]:
        for app, name in enumerate(self.names):
            yield {"app_id": self._app_id(app), "host": f"{name}.apps.example"} | self._own

    def _hooks(self) -> Iterator[dict[str, Any]]:
        for app, name in enumerate(self.names):
            identity = f"github.example/{self.tenant}/{name}"
            yield {"id": self.hook_id(app), "repository_identity": identity} | self._own

    def _deliveries(self) -> Iterator[dict[str, Any]]:
        for app in range(self.apps):
            for number in range(DEPLOYMENTS):
                yield {
                    "id": self.deployment_id(app, number),
                    "hook_id": self.hook_id(app),
                    "delivery_id": f"d-{number}",
                    "event": "push",
                    "ref": "refs/heads/main",
                    "commit_sha": self._commit(app, number),
                    "outcome": "deployed",
                    "received_at": self._made(app, number),
                } | self._own

    def _commit(self, app: int, number: int) -> str:
        return f"{self.deployment_id(app, number) * 2654435761 % 2**64:040x}"

    def _releases(self) -> Iterator[dict[str, Any]]:
        configuration = frozen({"health_path": "/health"})
        for app in range(self.apps):
            for number in range(DEPLOYMENTS):
                yield {
                    "id": self.deployment_id(app, number),
                    "app_id": self._app_id(app),
                    "number": number + 1,
                    "image": f"slipway/{self.names[app]}:{number}",
                    "digest": self._image(app, number),
                    "commit_sha": self._commit(app, number),
                    "configuration": configuration,
                } | self._own

    def _deployments(self) -> Iterator[dict[str, Any]]:
        """The newest is live; of some apps one after it failed, and then the one before it is live."""
        for app in range(self.apps):
            live = DEPLOYMENTS - 2 if app % 7 == 3 else DEPLOYMENTS - 1
            for number in range(DEPLOYMENTS):
                state = "live" if number == live else "failed" if number > live else "retired"
                yield self._deployment(app, number, state) | self._own

    def _deployment(self, app: int, number: int, state: str) -> dict[str, Any]:
        made, id_ = self._made(app, number), self.deployment_id(app, number)
        began = made.timestamp()
        steps = [
            {"name": name, "started_at": began + 5 * place, "ended_at": began + 5 * place + 4, "ok": True, "note": ""}
            for place, name in enumerate(("fetch", "build", "start", "switch", "drain"))
        ]
        is_failed = state == "failed"
        return {
            "id": id_,
            "app_id": self._app_id(app),
            "kind": "push",
            "sequence": number + 1,
            "image_sequence": number + 1,
            "idempotency_key": f"delivery:{number}",
            "delivery_row": id_,
            "ref": "refs/heads/main",
            "commit_sha": self._commit(app, number),
            "message": f"Fix what the change before number {number} broke\n\nIt was the cart's total.",
            "pushed_by": f"person-{app % 40}",
            "actor": f"hook:{self.hook_id(app)}",
            "release_id": None if is_failed else id_,
            "previous_id": id_ - 1 if number else None,
            "state": state,
            "reason": "build-failed" if is_failed else "",
            "detail": "the build failed in step 4 of 9" if is_failed else "",
            "remedy": "look at the log" if is_failed else "",
            "steps": steps,
            "notices": [],
            "created_at": made,
            "started_at": made,
            "live_at": None if is_failed else made + timedelta(seconds=20),
            "ended_at": made + timedelta(seconds=20) if is_failed else None,
            "reported_state": state,
            "changed_at": made,
        }

    def _replicas(self) -> Iterator[dict[str, Any]]:
        for app in range(self.apps):
            live = DEPLOYMENTS - 2 if app % 7 == 3 else DEPLOYMENTS - 1
            made = self._made(app, live)
            for slot in range(REPLICAS):
                yield {
                    "id": self._replica_id(app, slot),
                    "app_id": self._app_id(app),
                    "release_id": self.deployment_id(app, live),
                    "deployment_id": self.deployment_id(app, live),
                    "slot": slot,
                    "container_id": f"{self._app_id(app) * REPLICAS + slot:064x}",
                    "state": "crashed" if (app, slot) == (app // 50 * 50, 2) else "ready",
                    "restarts": app % 3,
                    "created_at": made,
                    "started_at": made,
                    "ready_at": made,
                    "changed_at": made,
                } | self._own

    def _audit(self) -> Iterator[dict[str, Any]]:
        for app, name in enumerate(self.names):
            for number in range(DEPLOYMENTS):
                at = self._made(app, number)
                yield {"at": at, "actor": "token:bench", "action": "app.scale", "subject": name, "detail": {}} | self._own

    def _subjects(self) -> Iterator[dict[str, Any]]:
        created_ms = round((self.at - timedelta(days=60)).timestamp() * 1000)
        for app, name in enumerate(self.names):
            whose = {"app_id": self._app_id(app), "app_name": name, "app_created_ms": created_ms} | self._own
            whose["image"] = self._image(app, DEPLOYMENTS - 1)
            first = self._subject(app, 0)
            yield whose | {"id": first, "environment": "", "process": "", "replica_id": ""}
            of_process = {"environment": "production", "process": "web"}
            yield whose | of_process | {"id": first + 1, "replica_id": ""}
            for slot in range(REPLICAS):
                yield whose | of_process | {"id": first + 2 + slot, "replica_id": self._replica_id(app, slot)}

    def _subject(self, app: int, number: int) -> int:
        """0: the app's traffic; 1: its process, of which there are days alone; from 2 on replicas."""
        return (self.first_id + app) * (2 + REPLICAS) + number + 1

    def _hours(self) -> Iterator[dict[str, Any]]:
        last = int(self.at.timestamp() // 3600)
        packed = {of: [self._packed(of) for _ in range(_PACKED)] for of in (traffic, use)}
        for hour in range(last - HOURS - 1, last):
            for of, subject in self._counted():
                total, minutes = packed[of][self.chance.randrange(_PACKED)]
                yield {"subject_id": subject, "hour": hour, "minutes": minutes} | total | self._own

    def _packed(self, of: Any) -> tuple[Usage, bytes]:
        minutes = {number: of(self.chance) for number in range(MINUTES)}
        return _all_fields({name: MINUTES * value for name, value in minutes[0].items()}, of), pack(minutes)

    def _days(self) -> Iterator[dict[str, Any]]:
        today = int(self.at.timestamp() // 86400)
        for day in range(today - DAYS, today + 1):
            for app in range(self.apps):
                for number, of in enumerate((traffic, use)):
                    used = _all_fields({name: 1440 * value for name, value in of(self.chance).items()}, of)
                    yield {"subject_id": self._subject(app, number), "day": day} | used | self._own

    def _minutes(self) -> Iterator[dict[str, Any]]:
        """Those of the hour that goes on."""
        last = int(self.at.timestamp() // 60)
        for minute in range(last // MINUTES * MINUTES, last + 1):
            for of, subject in self._counted():
                yield {"minute": minute, "subject_id": subject} | _all_fields(of(self.chance), of) | self._own

    def _counted(self) -> Iterator[tuple[Any, int]]:
        for app in range(self.apps):
            yield traffic, self._subject(app, 0)
            for slot in range(REPLICAS):
                yield use, self._subject(app, 2 + slot)


def _all_fields(usage: Usage, of: Any) -> dict[str, int]:
    """Rows that are written together have the same columns."""
    names = (*TRAFFIC, *(f"latency_{number}" for number in range(3, 9))) if of is traffic else RESOURCES
    return {name: usage.get(name, 0) for name in names}


def _insert(db: Database, model: type[Base], rows: Iterator[dict[str, Any]]) -> None:
    portion: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for row in rows:
        same = portion.setdefault(tuple(row), [])
        same.append(row)
        if len(same) == _AT_ONCE:
            _write(db, model, same)
            same.clear()
    for same in portion.values():
        _write(db, model, same)


def _write(db: Database, model: type[Base], rows: list[dict[str, Any]]) -> None:
    if rows:
        with db.write(platform=WHY) as session:
            session.execute(insert(model), rows)
