"""Counts edges' records into minutes: each once, however often and in whatever order it is read.

Which records count already stands in `usage_positions` and `usage_gaps`, and is written in the transaction that counts
them. So a reader that is killed reads again what it had not committed, and skips what it had.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from sqlalchemy import delete, select, tuple_
from sqlalchemy.orm import Session

from slipway.core.usage import fields
from slipway.core.usage.fields import Usage
from slipway.core.usage.periods import DAYS_KEPT, Step
from slipway.core.usage.records import Position, UnreadableRecord, UsageRecord, parse, position_of
from slipway.core.usage.sequences import Gap, Sequences
from slipway.db import Database
from slipway.domain.usage import storing, subjects
from slipway.models import UsageGap, UsagePosition
from slipway.ports.events import StreamEntry

log = logging.getLogger(__name__)

REASON = "count what was used"
LATE_S = 120
"""A record of more than this says what was used, but hardly when."""
AHEAD_S = 60
"""An edge's clock may be this much ahead of ours."""
LOST, UNREADABLE, LATE, CLOCK = "lost", "unreadable", "late", "clock"

Life = tuple[str, str]
"""An edge's id, and its boot."""


class _Note(NamedTuple):
    kind: str
    first: int
    last: int
    from_s: int
    to_s: int


@dataclass(slots=True)
class _Progress:
    """Of one life of an edge."""

    sequences: Sequences
    until_s: int
    before: frozenset[Gap] = frozenset()
    """The gaps that SQL has."""
    periods: dict[Gap, tuple[int, int]] = field(default_factory=dict)
    """When what is missing was used."""
    notes: list[_Note] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Folded:
    """What one call did."""

    records: int
    cells: int
    """Minutes of subjects that were written."""


def fold(db: Database, entries: Sequence[StreamEntry], now_s: float) -> Folded:
    """Count these entries. Once it returns they may be removed, and when it raises they may be given again.

    Raises:
        DatabaseAway: it is not known whether they count.
    """
    read = [found for entry in entries if (found := _read(entry))]
    records = [record for _, record in read if record]
    with db.read(platform=REASON) as session:
        since_s = min((record.to_s for record in records), default=now_s)
        apps = subjects.Apps(session, {app_id for record in records for app_id in record.apps}, since_s)
    with db.write(platform=REASON) as session:
        progress = _progress(session, {(position.edge, position.boot) for position, _ in read})
        used: dict[tuple[int, subjects.Description], Usage] = defaultdict(dict)
        for position, record in read:
            _count(progress[position.edge, position.boot], position, record, now_s, apps, used)
        numbers = subjects.numbered(session, (description for _, description in used), apps.numbers)
        storing.add_minutes(session, {(minute, numbers[each]): usage for (minute, each), usage in used.items()})
        for life, reached in progress.items():
            _write_progress(session, life, reached)
    return Folded(len(read), len(used))


def _read(entry: StreamEntry) -> tuple[Position, UsageRecord | None] | None:
    """A record that can't be read counts as one that is missing; without a number it is of nobody's."""
    try:
        position = position_of(entry.fields)
    except UnreadableRecord as error:
        log.error("a usage record is not counted", extra={"entry": entry.id, "why": str(error)})  # noqa: TRY400
        return None
    try:
        return position, parse(position, entry.fields.get("record", ""))
    except UnreadableRecord as error:
        extra = {"edge": position.edge, "boot": position.boot, "sequence": position.sequence, "why": str(error)}
        log.error("a usage record is not counted", extra=extra)  # noqa: TRY400
        return position, None


def _count(
    progress: _Progress,
    position: Position,
    record: UsageRecord | None,
    now_s: float,
    apps: subjects.Apps,
    used: dict[tuple[int, subjects.Description], Usage],
) -> None:
    known = set(progress.sequences.gaps)
    if not progress.sequences.count(position.sequence):
        return
    from_s, to_s = (int(record.from_s), int(record.to_s)) if record else (progress.until_s, int(now_s))
    for gap in set(progress.sequences.gaps) - known:
        around = next((period for old, period in progress.periods.items() if old.first <= gap.first <= old.last), None)
        progress.periods[gap] = around or (min(progress.until_s or from_s, from_s), from_s)
    if record is None:
        progress.notes.append(_Note(UNREADABLE, position.sequence, position.sequence, from_s, to_s))
        return
    progress.until_s = max(progress.until_s, min(to_s, int(now_s) + AHEAD_S))
    minute, kind = _minute_of(record, now_s)
    if kind:
        progress.notes.append(_Note(kind, position.sequence, position.sequence, from_s, to_s))
    for app_id, usage in record.apps.items():
        fields.add(used[minute, apps.at(app_id, record.to_s)], usage)


def _minute_of(record: UsageRecord, now_s: float) -> tuple[int, str]:
    """The minute that it counts in: the one in which it ended. With a clock that is wrong, the present one."""
    if not now_s - DAYS_KEPT.total_seconds() < record.to_s <= now_s + AHEAD_S:
        return Step.MINUTE.number(now_s), CLOCK
    # one that ends with a minute is of that minute, not of the next
    ended = max(record.from_s, record.to_s - 0.001)
    return Step.MINUTE.number(min(ended, now_s)), LATE if record.to_s - record.from_s > LATE_S else ""


def _progress(session: Session, lives: Iterable[Life]) -> Mapping[Life, _Progress]:
    wanted = sorted(lives)
    found = {life: _Progress(Sequences(), _boot_s(life)) for life in wanted}
    at = tuple_(UsagePosition.edge, UsagePosition.boot)
    for row in session.scalars(select(UsagePosition).where(at.in_(wanted))):
        found[row.edge, row.boot] = _Progress(Sequences(row.sequence), row.until_s)
    of_gap = tuple_(UsageGap.edge, UsageGap.boot)
    for lost in session.scalars(select(UsageGap).where(of_gap.in_(wanted), UsageGap.kind == LOST)):
        progress = found[lost.edge, lost.boot]
        gap = Gap(lost.first_sequence, lost.last_sequence)
        progress.sequences.gaps.append(gap)
        progress.periods[gap] = (lost.from_s, lost.to_s)
    for progress in found.values():
        progress.before = frozenset(progress.sequences.gaps)
    return found


def _boot_s(life: Life) -> int:
    """A boot begins with its time in Unix seconds, in hexadecimal, before six more digits. 0: it does not."""
    try:
        return int(life[1][:-6], 16)
    except ValueError:
        return 0


def _write_progress(session: Session, life: Life, progress: _Progress) -> None:
    edge, boot = life
    session.merge(
        UsagePosition(edge=edge, boot=boot, sequence=progress.sequences.last, until_s=max(0, progress.until_s))
    )
    missing = set(progress.sequences.gaps)
    closed = {gap.first for gap in progress.before - missing}
    if closed:
        of_life = (UsageGap.edge == edge, UsageGap.boot == boot, UsageGap.kind == LOST)
        session.execute(delete(UsageGap).where(*of_life, UsageGap.first_sequence.in_(closed)))
    notes = [_Note(LOST, *gap, *progress.periods[gap]) for gap in sorted(missing - progress.before)]
    for note in (*notes, *progress.notes):
        session.add(
            UsageGap(
                edge=edge,
                boot=boot,
                kind=note.kind,
                first_sequence=note.first,
                last_sequence=note.last,
                from_s=note.from_s,
                to_s=note.to_s,
            )
        )
        log.log(
            logging.WARNING if note.kind == LOST else logging.INFO,
            "usage records are missing or can't be placed",
            extra={"edge": edge, "kind": note.kind, "first": note.first, "last": note.last},
        )
