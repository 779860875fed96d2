"""How a tenant's apps do: what was asked of them and used over a period, by step, by app and by image."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from router.principal import Principal
from router.services import Services
from router.usecases.finding import app_named
from router.usecases.showing.images import image_label
from router.usecases.showing.usage import AppKey, app_key
from slipway.core.usage import fields
from slipway.core.usage.fields import Usage
from slipway.core.usage.periods import Period, Step, period
from slipway.domain.usage import reading, summing
from slipway.domain.usage.reading import Gap
from slipway.domain.usage.summing import Of, Summed
from slipway.models import App, Deployment, Release

LISTED = 10
FEW_REQUESTS = 20
"""Of so few it is not said how slow they are."""


class Span(StrEnum):
    """A period up to now."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


SPANS: Mapping[Span, tuple[timedelta, Step]] = {
    Span.HOUR: (timedelta(hours=1), Step.MINUTE),
    Span.DAY: (timedelta(days=1), Step.HOUR),
    Span.WEEK: (timedelta(days=7), Step.HOUR),
    Span.MONTH: (timedelta(days=30), Step.DAY),
    Span.YEAR: (timedelta(days=365), Step.DAY),
}


@dataclass(frozen=True, slots=True)
class Figures:
    """What was counted in a time of `seconds`. None: not known, or nothing to say it of."""

    usage: Usage
    seconds: float

    @property
    def requests(self) -> int:
        return fields.requests(self.usage)

    @property
    def failed(self) -> int:
        """Answered with 5xx."""
        return self.usage.get("requests_5xx", 0)

    @property
    def failed_share(self) -> float:
        return self.failed / self.requests if self.requests else 0.0

    @property
    def requests_per_s(self) -> float:
        return self.requests / self.seconds

    @property
    def failed_per_s(self) -> float:
        return self.failed / self.seconds

    @property
    def p50(self) -> float | None:
        return fields.latency_ms(self.usage, 0.5)

    @property
    def p95(self) -> float | None:
        return fields.latency_ms(self.usage, 0.95)

    @property
    def p99(self) -> float | None:
        return fields.latency_ms(self.usage, 0.99)

    @property
    def bytes_in(self) -> int:
        return self.usage.get("bytes_in", 0)

    @property
    def bytes_out(self) -> int:
        return self.usage.get("bytes_out", 0)

    @property
    def in_per_s(self) -> float:
        return self.bytes_in / self.seconds

    @property
    def out_per_s(self) -> float:
        return self.bytes_out / self.seconds

    @property
    def cpus(self) -> float:
        """In use, on average."""
        return self.usage.get("cpu_us", 0) / 1_000_000 / self.seconds

    @property
    def memory_bytes(self) -> int:
        """Of all replicas together, on average."""
        return round(self.usage.get("memory_byte_s", 0) / self.seconds)


@dataclass(frozen=True, slots=True)
class Point:
    """A step; `figures` is None where nothing at all was counted."""

    at: datetime
    figures: Figures | None


@dataclass(frozen=True, slots=True)
class Part:
    """What an app or an image has of all."""

    name: str
    figures: Figures
    is_there: bool = True
    """Of an app: it is not deleted."""


@dataclass(frozen=True, slots=True)
class Dashboard:
    span: Span
    period: Period
    total: Figures
    points: list[Point]
    apps: list[Part]
    """Those with the most requests."""
    images: list[Part]
    slowest: list[Part]
    failing: list[Part]
    gaps: list[Gap]
    found_at: datetime


def dashboard(services: Services, principal: Principal, span: Span, app: str = "") -> Dashboard:
    """Of all apps, or of one. Some seconds old at most while somebody looks at it.

    Raises:
        NotFound: there is no such app.
    """
    found: Dashboard = services.dashboards.value(*_asked(services, principal, span, app))
    return found


def dashboard_soon(services: Services, principal: Principal, span: Span, app: str = "") -> Dashboard | None:
    """The same; None: it takes longer than a page may wait, and is there a moment later."""
    return services.dashboards.value_soon(*_asked(services, principal, span, app))


def _asked(
    services: Services, principal: Principal, span: Span, app: str
) -> tuple[tuple[Any, ...], Callable[[], Dashboard]]:
    """What it is kept by, and how it is found."""
    apps: tuple[AppKey, ...] | None = None
    if app:
        with services.db.read(tenant_id=principal.tenant_id) as session:
            apps = (app_key(app_named(session, app)),)
    tenant_id = principal.tenant_id
    return (tenant_id, span, apps), lambda: _dashboard(services, tenant_id, span, apps)


def _dashboard(services: Services, tenant_id: int, span: Span, apps: tuple[AppKey, ...] | None) -> Dashboard:
    long, step = SPANS[span]
    at = datetime.now(UTC)
    shown = period(at, at - long, at, step)
    with services.db.read(tenant_id=tenant_id) as session:
        by_step = summing.sums(session, Summed(shown, by_step=True, apps=apps))
        parts = summing.sums(session, Summed(shown, Of.APP_AND_IMAGE, apps=apps))
        there = set(map(app_key, session.execute(select(App.id, App.created_at).where(App.deleted_at.is_(None)))))
        seconds = max(1.0, at.timestamp() - shown.first * step.seconds)
        by_app = _by_app(parts, seconds, there)
        by_image = _by_image(session, parts, seconds)
        gaps = reading.gaps(session, shown)
    known = by_step[0].points if by_step else {}
    return Dashboard(
        span,
        shown,
        Figures(fields.total(known.values()), seconds),
        list(_points(shown, known, at.timestamp())),
        by_app[:LISTED],
        by_image[:LISTED],
        slowest=_most(by_app, lambda each: each.p95 if each.requests > FEW_REQUESTS else None),
        failing=_most(by_app, lambda each: each.failed),
        gaps=[gap for gap in gaps if gap.kind in ("lost", "unreadable")],
        found_at=at,
    )


def _points(shown: Period, known: Mapping[int, Usage], now_s: float) -> Iterable[Point]:
    """The step that goes on is as long as it has lasted; in its first half a minute nothing is said of it."""
    for number in shown.numbers():
        seconds = min(shown.step.seconds, now_s - number * shown.step.seconds)
        if seconds >= min(30.0, shown.step.seconds):
            usage = known.get(number)
            yield Point(shown.step.begins(number), Figures(usage, seconds) if usage else None)


def _by_app(parts: Sequence[summing.Sum], seconds: float, there: set[AppKey]) -> list[Part]:
    """Of those of one name, one that is deleted by now is kept apart."""
    found: dict[tuple[str, bool], Usage] = {}
    for part in parts:
        name, app_id, created_ms, *_ = part.key
        fields.add(found.setdefault((name, (app_id, created_ms) in there), {}), part.total)
    return _ordered(Part(name, Figures(usage, seconds), is_there) for (name, is_there), usage in found.items())


def _by_image(session: Session, parts: Sequence[summing.Sum], seconds: float) -> list[Part]:
    found: dict[tuple[str, str], Usage] = {}
    for part in parts:
        *_, digest, image_name = part.key
        if digest:
            fields.add(found.setdefault((digest, image_name), {}), part.total)
    ordered = sorted(found.items(), key=lambda each: -fields.requests(each[1]))[:LISTED]
    labels = image_labels(session, [digest for (digest, name), _ in ordered if not name])
    return [
        Part(name or labels.get(digest, digest.removeprefix("sha256:")[:12]), Figures(usage, seconds))
        for (digest, name), usage in ordered
    ]


def image_labels(session: Session, digests: Sequence[str]) -> dict[str, str]:
    """Digest → what people call the newest release of it."""
    columns = (App.name.label("app"), Release.number.label("release"), Release.digest, Release.commit_sha)
    query = (
        select(*columns, Deployment.source, Deployment.ref)
        .join(App, App.id == Release.app_id)
        .outerjoin(Deployment, (Deployment.app_id == Release.app_id) & (Deployment.release_id == Release.id))
        .where(Release.digest.in_(digests))
        .order_by(Release.id)
    )
    return {row.digest: image_label(row) for row in session.execute(query)}


def _ordered(parts: Iterable[Part]) -> list[Part]:
    return sorted(parts, key=lambda part: (-part.figures.requests, -part.figures.cpus, part.name))


def _most(parts: Iterable[Part], value: Any) -> list[Part]:
    """The first ones by the value, without those that have none."""
    with_value = [(value(part.figures), part) for part in parts if part.name]
    known = [(found, part) for found, part in with_value if found]
    return [part for _, part in sorted(known, key=lambda each: -each[0])[: LISTED // 2]]
