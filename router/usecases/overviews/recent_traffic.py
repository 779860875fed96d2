"""How much was asked of apps over the last hours, for lines that show a course: one query for all apps of a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from router.usecases.showing.usage import app_key
from slipway.core.usage import fields
from slipway.core.usage.fields import LATENCY, REQUESTS, Usage
from slipway.core.usage.periods import Period, Step, period
from slipway.domain.usage import summing
from slipway.domain.usage.summing import Of, Summed
from slipway.models import App

HOURS = 24
_SHOWN_AFTER_S = 60.0
"""An hour that has just begun says nothing yet."""


@dataclass(frozen=True, slots=True)
class AppTraffic:
    """By hour, the last one up to now. Of an hour without a request it is not known how long one took: None."""

    requests_per_s: list[float]
    failed_per_s: list[float]
    p95_ms: list[float | None]


def recent_traffic(session: Session, names: Sequence[str]) -> dict[str, AppTraffic]:
    """By app's name; those of which nothing was counted are left out."""
    at = datetime.now(UTC)
    shown = period(at, at - timedelta(hours=HOURS), at, Step.HOUR)
    rows = session.execute(select(App.id, App.created_at).where(App.name.in_(names), App.deleted_at.is_(None)))
    apps = [app_key(row) for row in rows]
    asked = Summed(shown, Of.APP, by_step=True, apps=apps, names=(*REQUESTS, *LATENCY))
    return {each.key[0]: _traffic(each.points, shown, at.timestamp()) for each in summing.sums(session, asked)}


def _traffic(points: dict[int, Usage], shown: Period, now_s: float) -> AppTraffic:
    hours = [(points.get(number, {}), now_s - number * shown.step.seconds) for number in shown.numbers()]
    shown_steps = [(usage, min(passed, shown.step.seconds)) for usage, passed in hours if passed >= _SHOWN_AFTER_S]
    return AppTraffic(
        [fields.requests(usage) / seconds for usage, seconds in shown_steps],
        [usage.get("requests_5xx", 0) / seconds for usage, seconds in shown_steps],
        [fields.latency_ms(usage, 0.95) for usage, _ in shown_steps],
    )
