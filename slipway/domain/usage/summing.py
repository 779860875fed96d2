"""What was used, summed by the database: of a tenant by step, by app, by image. One query, however many subjects there
are; `reading` has the single series."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sqlalchemy import Select, func, literal, null, select, tuple_, union_all
from sqlalchemy.orm import InstrumentedAttribute, Session

from slipway.core.usage import fields
from slipway.core.usage.fields import FIELDS, PEAKS, RESOURCES, Usage
from slipway.core.usage.packing import MINUTES, unpack
from slipway.core.usage.periods import Period, Step
from slipway.domain.usage.reading import hot_minutes
from slipway.models import UsageDay, UsageHour, UsageMinute, UsageSubject


class Of(StrEnum):
    """What a sum is of."""

    ALL = "all"
    APP = "app"
    IMAGE = "image"
    APP_AND_IMAGE = "app and image"


_APP = (UsageSubject.app_name, UsageSubject.app_id, UsageSubject.app_created_ms)
_IMAGE = (UsageSubject.image, UsageSubject.image_name)
_KEYS: Mapping[Of, tuple[InstrumentedAttribute[Any], ...]] = {
    Of.ALL: (),
    Of.APP: _APP,
    Of.IMAGE: _IMAGE,
    Of.APP_AND_IMAGE: _APP + _IMAGE,
}
Key = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Sum:
    """`key`: of an app its name, number and when it was made (Unix milliseconds); of an image its digest and name."""

    key: Key
    points: dict[int, Usage] = field(default_factory=dict)
    """By the step's number since 1970; one of the number 0 where steps were not asked for."""

    @property
    def total(self) -> Usage:
        return fields.total(self.points.values())


@dataclass(frozen=True, slots=True)
class Summed:
    """What is asked for.

    `apps`: their numbers and when they were made (Unix milliseconds), or None for all. `names`: the fields to read."""

    period: Period
    of: Of = Of.ALL
    by_step: bool = False
    apps: Collection[tuple[int, int]] | None = None
    names: tuple[str, ...] = FIELDS


def sums(session: Session, asked: Summed) -> list[Sum]:
    """Those with anything counted, in the order of their keys."""
    found: dict[Key, Sum] = {}
    width = len(_KEYS[asked.of])
    for row in session.execute(_statement(session, asked)):
        key = tuple(row[:width])
        for number, usage in _counted(asked, *row[width:]):
            if usage:  # without groups the database says NULL of nothing at all
                fields.add(found.setdefault(key, Sum(key)).points.setdefault(number, {}), usage)
    return [found[key] for key in sorted(found)]


def _counted(asked: Summed, number: int, minutes: bytes | None, *values: Any) -> Iterator[tuple[int, Usage]]:
    if minutes is None:
        yield number, {name: int(value) for name, value in zip(asked.names, values, strict=True) if value}
        return
    period = asked.period
    for minute, usage in unpack(minutes).items():
        if period.first <= number + minute < period.end:
            yield (number + minute) * asked.by_step, {name: usage[name] for name in asked.names if name in usage}


def _statement(session: Session, asked: Summed) -> Any:
    """One statement reads both tables: minutes move from one to the other."""
    kept = _packed(asked) if asked.period.step is Step.MINUTE else _kept(asked)
    hot = hot_minutes(session, asked.period)
    return union_all(kept, _hot(asked, hot)) if hot else kept


def _kept(asked: Summed) -> Select[Any]:
    model: Any
    model, step = (UsageHour, UsageHour.hour) if asked.period.step is Step.HOUR else (UsageDay, UsageDay.day)
    query = _grouped(asked, model, step).where(step.between(asked.period.first, asked.period.end - 1))
    return query.group_by(*_KEYS[asked.of], *([step] if asked.by_step else []))


def _packed(asked: Summed) -> Select[Any]:
    first, last = asked.period.first // MINUTES, (asked.period.end - 1) // MINUTES
    columns = (*_KEYS[asked.of], (UsageHour.hour * MINUTES).label("number"), UsageHour.minutes)
    query = select(*columns, *(null() for _ in asked.names)).join(UsageHour, UsageHour.subject_id == UsageSubject.id)
    return _of(asked, query).where(UsageHour.hour.between(first, last), UsageHour.minutes.is_not(None))


def _hot(asked: Summed, minutes: range) -> Select[Any]:
    each = asked.period.step.seconds // 60
    step = UsageMinute.minute if each == 1 else UsageMinute.minute // literal(each)
    query = _grouped(asked, UsageMinute, step).where(UsageMinute.minute.in_(list(minutes)))
    return query.group_by(*_KEYS[asked.of], *([step] if asked.by_step else []))


def _grouped(asked: Summed, model: Any, step: Any) -> Select[Any]:
    sums_ = (
        func.max(getattr(model, name)) if name in PEAKS else func.sum(getattr(model, name)) for name in asked.names
    )
    number = step if asked.by_step else literal(0)
    query = select(*_KEYS[asked.of], number.label("number"), null().label("minutes"), *sums_)
    return _of(asked, query.join(model, model.subject_id == UsageSubject.id))


def _of(asked: Summed, query: Select[Any]) -> Select[Any]:
    query = query.select_from(UsageSubject)
    if asked.apps is not None:
        query = query.where(tuple_(UsageSubject.app_id, UsageSubject.app_created_ms).in_(list(asked.apps)))
    if not set(asked.names).intersection(RESOURCES):  # traffic is counted of apps, resources of their processes
        query = query.where(UsageSubject.process == "")
    return query
