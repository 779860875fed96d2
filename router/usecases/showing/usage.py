"""What a tenant's apps used, for charts and exports."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from router import documents
from router.principal import Principal
from router.services import Services
from router.usecases.finding import app_named
from slipway.core.text.exports import Format, Table, written
from slipway.core.usage import fields
from slipway.core.usage.fields import CLASSES, RESOURCES
from slipway.core.usage.flat_rows import COLUMNS, SHARES, Cell, flat_row, rounded
from slipway.core.usage.periods import Period, Step, period
from slipway.domain.usage import reading
from slipway.domain.usage.reading import By, Group, Question
from slipway.errors import InvalidInput

POINTS_MOST = 50_000
"""In one document. Exports have no such limit: they are written as they are read."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody asks for. Times have a zone."""

    from_: datetime | None = None
    to: datetime | None = None
    step: Step | None = None
    by: By = By.NOTHING


AppKey = tuple[int, int]
"""An app's number and when it was made (Unix milliseconds): numbers come again on SQLite."""


def app_key(row: Any) -> AppKey:
    """Of a row with an app's `id` and `created_at`."""
    return row.id, round(row.created_at.timestamp() * 1000)


def usage(services: Services, principal: Principal, app: str | None, wanted: Wanted) -> documents.Usage:
    """Of an app, or of all of the tenant's, those that are deleted among them.

    Raises:
        NotFound: there is no such app.
        InvalidInput: it is too much for one document.
    """
    question = _question(services, principal, app, wanted)
    with services.db.read(tenant_id=principal.tenant_id) as session:
        gaps = reading.gaps(session, question.period)
    left, found = POINTS_MOST, []
    for series in reading.series(services.db, question, tenant_id=principal.tenant_id):
        left -= len(series.points)
        if left < 0:
            raise InvalidInput(
                f"That is more than {POINTS_MOST} points.",
                remedy="ask for a shorter period or a larger step, or for an export: format=csv or format=jsonl",
            )
        found.append(_series(series, question.period))
    return documents.Usage(
        from_=question.period.begins_at,
        to=question.period.ends_at,
        step=question.period.step,
        series=found,
        gaps=[documents.UsageGap(kind=each.kind, from_=each.from_, to=each.to, records=each.records) for each in gaps],
    )


def csv(services: Services, principal: Principal, app: str | None, wanted: Wanted) -> Iterator[str]:
    """The same as lines, with a heading. Raises `NotFound` and `InvalidInput` before the first."""
    return written(Table(COLUMNS, rows(services, principal, app, wanted)), Format.CSV)


def json_lines(services: Services, principal: Principal, app: str | None, wanted: Wanted) -> Iterator[str]:
    """The same with an object in each line."""
    return written(Table(COLUMNS, rows(services, principal, app, wanted)), Format.JSON_LINES)


def rows(services: Services, principal: Principal, app: str | None, wanted: Wanted) -> Iterator[dict[str, Cell]]:
    """The same as flat rows. Raises `NotFound` and `InvalidInput` before the first."""
    return _rows(services, principal, _question(services, principal, app, wanted))


def _question(services: Services, principal: Principal, app: str | None, wanted: Wanted) -> Question:
    chosen = period(datetime.now(UTC), wanted.from_, wanted.to, wanted.step)
    if app is None:
        return Question(chosen, wanted.by)
    with services.db.read(tenant_id=principal.tenant_id) as session:
        row = app_named(session, app)
        return Question(chosen, wanted.by, apps=[app_key(row)])


def _rows(services: Services, principal: Principal, question: Question) -> Iterator[dict[str, Cell]]:
    for series in reading.series(services.db, question, tenant_id=principal.tenant_id):
        whose = _whose(series.group)
        for number, used in series.points.items():
            yield flat_row(question.period.step.begins(number), whose, used)


def _series(series: reading.Series, shown: Period) -> documents.UsageSeries:
    points = [_point(shown.step.begins(number), used) for number, used in series.points.items()]
    return documents.UsageSeries(**_whose(series.group), points=points)


def _whose(group: Group) -> dict[str, str]:
    return {
        "app": group.app,
        "environment": group.environment,
        "process": group.process,
        "image": group.image,
        "image_name": group.image_name,
        "replica": group.replica,
    }


def _point(at: datetime, used: Mapping[str, int]) -> documents.UsagePoint:
    running_ms = used.get("running_ms", 0)
    return documents.UsagePoint(
        at=at,
        requests=fields.requests(used),
        by_class={each: used.get(f"requests_{each}", 0) for each in CLASSES},
        latency_ms=latency(used),
        running_s=running_ms / 1000,
        cpu_s=used.get("cpu_us", 0) / 1_000_000,
        memory_bytes=used.get("memory_byte_s", 0) * 1000 // running_ms if running_ms else None,
        **{name: used.get(name, 0) for name in ("bytes_in", "bytes_out", "duration_ms", *RESOURCES[2:])},
    )


def latency(used: Mapping[str, int]) -> documents.Latency | None:
    """None: no request was timed."""
    found = [rounded(fields.latency_ms(used, share)) for share in SHARES.values()]
    p50, p95, p99 = (each or 0.0 for each in found)
    return None if None in found else documents.Latency(p50=p50, p95=p95, p99=p99)
