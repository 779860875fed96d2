"""Two tenants with an app each, an edge, and what counts its records."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from builder.agent.telemetry.resource_samples import ResourceSamples
from builder.agent.telemetry.usage_counting import UsageCounting
from slipway.core.usage.fields import FIELDS, Usage
from slipway.core.usage.periods import Period, Step
from slipway.db import Database
from slipway.domain.usage import reading
from slipway.domain.usage.reading import By, Question
from slipway.models import App, UsageDay, UsageGap, UsageHour, UsageMinute, UsageSubject
from tests.fakes import FakeEdge, FakeRuntime, FakeUsageStream
from tests.fixtures.rows import add_app, add_tenant

WHY = "a test looks"
NOON_S = 1_767_268_800.0
"""2026-01-01T12:00:00Z"""
HOUR_S, DAY_S = 3600, 86400


@dataclass
class Counted:
    """A database, an edge, and the agent's counting, with a clock that a test moves."""

    db: Database
    acme: int
    other: int
    shop: App
    blog: App
    """Of the other tenant."""
    now_s: float = NOON_S + 30
    stream: FakeUsageStream = field(default_factory=FakeUsageStream)
    edge: FakeEdge = field(default_factory=FakeEdge)
    runtime: FakeRuntime = field(default_factory=FakeRuntime)

    def counting(self, **parts: Any) -> UsageCounting:
        """As after a start of the agent: nothing is remembered."""
        usual = {"db": self.db, "stream": self.stream, "samples": self.samples(), "clock": lambda: self.now_s}
        return UsageCounting(**(usual | parts))

    def samples(self) -> ResourceSamples:
        return ResourceSamples(self.runtime, self.runtime.list, lambda _: {}, lambda: self.now_s)

    def tell(self, *used: dict[int, list[int]], at_s: float | None = None, long_s: float = 1.0) -> None:
        """A record each."""
        for each in used:
            self.stream.add(self.edge.record(self.now_s if at_s is None else at_s, each, long_s=long_s))

    def totals(self) -> dict[int, dict[str, int]]:
        """By app what was counted, in minutes and in hours. Days say the same of hours."""
        hours = self._sums(UsageHour)
        assert hours == self._sums(UsageDay)
        minutes = self._sums(UsageMinute)
        return {
            app_id: {name: value for name in FIELDS if (value := _sum(app_id, name, hours, minutes))}
            for app_id in {*hours, *minutes}
        }

    def _sums(self, model: type[Any]) -> dict[int, dict[str, int]]:
        with self.db.read(platform=WHY) as session:
            table, subject = model.__table__, UsageSubject.__table__
            rows = session.execute(select(subject.c.app_id, table).where(subject.c.id == table.c.subject_id))
            sums: dict[int, dict[str, int]] = {}
            for row in rows.mappings():
                of_app = sums.setdefault(row["app_id"], dict.fromkeys(FIELDS, 0))
                for name in FIELDS:
                    of_app[name] += int(row[name] or 0)
        return sums

    def points(self, step: Step, *, by: By = By.NOTHING, back: int = 3, **scope: Any) -> dict[str, dict[int, Usage]]:
        """By app, process, image or replica, whichever tells more; steps are numbered from the last one back (0)."""
        last = step.number(self.now_s)
        question = Question(Period(step, last - back, last + 1), by)
        scope = scope or {"tenant_id": self.acme}
        return {
            (each.group.replica or each.group.process or each.group.image_name or each.group.app): {
                number - last: usage for number, usage in each.points.items()
            }
            for each in reading.series(self.db, question, **scope)
        }

    def gaps(self) -> list[tuple[str, int, int]]:
        with self.db.read(platform=WHY) as session:
            rows = session.query(UsageGap).order_by(UsageGap.edge, UsageGap.boot, UsageGap.first_sequence)
            return [(row.kind, row.first_sequence, row.last_sequence) for row in rows]

    def expected(self) -> dict[int, dict[str, int]]:
        """What the edge counted."""
        return {app: {name: n for name, n in used.items() if n} for app, used in self.edge.counted.items()}


def _sum(app_id: int, name: str, *sums: dict[int, dict[str, int]]) -> int:
    return sum(each.get(app_id, {}).get(name, 0) for each in sums)


def with_two_tenants(db: Database) -> Counted:
    acme, other = add_tenant(db, "acme"), add_tenant(db, "other")
    early = {"created_at": _at(NOON_S - 40 * DAY_S)}
    return Counted(db, acme, other, add_app(db, acme, "shop", **early), add_app(db, other, "blog", **early))


def _at(unix_s: float) -> Any:
    return datetime.fromtimestamp(unix_s, UTC)


@pytest.fixture
def counted(database: Database) -> Counted:
    return with_two_tenants(database)


@pytest.fixture
def counted_in_memory(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counted]:
    """On SQLite alone, in memory: for histories with hundreds of transactions."""
    folder = Path("/dev/shm") / tmp_path_factory.mktemp("usage").name
    folder.mkdir()
    db = Database(f"sqlite:///{shutil.copy(sqlite_template, folder / 'slipway.db')}")
    yield with_two_tenants(db)
    db.dispose()
    shutil.rmtree(folder)
