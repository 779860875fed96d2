"""Which containers there are by state and by image, and how many were created and removed on each of the last days."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from router.principal import Principal
from router.services import Services
from router.usecases.overviews.dashboard import image_labels
from slipway.models import Release, Replica

DAYS = 7
IMAGES_LISTED = 12


@dataclass(frozen=True, slots=True)
class DayOfContainers:
    day: date
    created: int
    removed: int
    crashed: int
    """Of those that were removed: they ended by themselves, and not with 0."""


@dataclass(frozen=True, slots=True)
class ContainerCounts:
    by_state: dict[str, int]
    by_image: list[tuple[str, int]]
    """What people call it, and how many run it; those with the most."""
    images: int
    days: list[DayOfContainers]
    """The last of them is today (UTC)."""


def container_counts(services: Services, principal: Principal) -> ContainerCounts:
    with services.db.read(tenant_id=principal.tenant_id) as session:
        by_state, by_image = _running(session)
        most = by_image.most_common(IMAGES_LISTED)
        labels = image_labels(session, [digest for digest, _ in most])
        days = container_days(session, datetime.now(UTC).date() - timedelta(days=DAYS - 1), DAYS)
    named = [(labels.get(digest, digest), count) for digest, count in most]
    return ContainerCounts(dict(by_state), named, len(by_image), days)


def container_days(session: Session, first: date, count: int) -> list[DayOfContainers]:
    """One query, whatever the number of days."""
    starts = [datetime(first.year, first.month, first.day, tzinfo=UTC) + timedelta(days=n) for n in range(count + 1)]
    columns = []
    for begins, ends in itertools.pairwise(starts):
        ended = (Replica.ended_at >= begins) & (Replica.ended_at < ends)
        columns += [
            func.count(case(((Replica.created_at >= begins) & (Replica.created_at < ends), 1))),
            func.count(case((ended, 1))),
            func.count(case((ended & Replica.last_crash.is_not(None), 1))),
        ]
    touched = (Replica.created_at >= starts[0]) | (Replica.ended_at >= starts[0])
    counts = list(session.execute(select(*columns).select_from(Replica).where(touched)).one())
    return [
        DayOfContainers(start.date(), *counts[3 * number : 3 * number + 3]) for number, start in enumerate(starts[:-1])
    ]


def _running(session: Session) -> tuple[Counter[str], Counter[str]]:
    query = select(Replica.state, Release.digest, func.count()).join(Release, Release.id == Replica.release_id)
    by_state: Counter[str] = Counter()
    by_image: Counter[str] = Counter()
    for state, digest, count in session.execute(
        query.where(Replica.ended_at.is_(None)).group_by(Replica.state, Release.digest)
    ):
        by_state[state] += count
        by_image[digest] += count
    return by_state, by_image
