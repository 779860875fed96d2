"""Counts what replicas used between samples of their counters: each stretch once.

The counters that a replica's use is counted up to (`usage_meters`) are written in the transaction that counts. Whoever
does not know whether it was committed gives the same stretches again, and those that count already are skipped.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Table, select
from sqlalchemy.orm import Session

from slipway.core.usage import fields
from slipway.core.usage.fields import Usage
from slipway.core.usage.sampling import Counters
from slipway.db import Database
from slipway.domain.usage import storing, subjects
from slipway.domain.usage.storing import Subject, insert, write_many
from slipway.models import UsageMeter

REASON = "count what replicas used"
_COUNTERS = ("container_id", "at_ms", "cpu_us", "memory_bytes", "network_in_bytes", "network_out_bytes")


@dataclass(frozen=True, slots=True)
class Stretch:
    """What a replica used up to a sample."""

    up_to: Counters
    minutes: Mapping[int, Usage]
    """By minute since 1970."""

    def counted(self) -> Counters:
        """The counters as they are written: the limit is no counter."""
        return replace(self.up_to, memory_limit_bytes=0)


def known_counters(db: Database, replica_ids: Sequence[str]) -> dict[str, Counters]:
    """What the replicas' use is counted up to, of those that were sampled before."""
    with db.read(platform=REASON) as session:
        return _known(session, replica_ids)


def count(db: Database, stretches: Mapping[str, Stretch]) -> None:
    """`stretches`: by replica.

    Raises:
        DatabaseAway: it is not known whether they count. They may be given again, as they are.
    """
    with db.read(platform=REASON) as session:
        described = subjects.of_replicas(session, sorted(stretches))
    with db.write(platform=REASON) as session:
        known = _known(session, sorted(stretches))
        new = {id_: each for id_, each in stretches.items() if known.get(id_) != each.counted()}
        numbers = subjects.numbered(session, (described[id_] for id_ in new if id_ in described))
        used: dict[tuple[int, Subject], Usage] = defaultdict(dict)
        for id_, stretch in new.items():
            if id_ in described:  # else its app was deleted since: it ran for seconds
                for minute, usage in stretch.minutes.items():
                    fields.add(used[minute, numbers[described[id_]]], usage)
        storing.add_minutes(session, used)
        _write(session, ((id_, stretch.up_to) for id_, stretch in new.items()))


def _known(session: Session, replica_ids: Sequence[str]) -> dict[str, Counters]:
    found = {}
    for first in range(0, len(replica_ids), subjects.AT_ONCE):
        some = replica_ids[first : first + subjects.AT_ONCE]
        for row in session.scalars(select(UsageMeter).where(UsageMeter.replica_id.in_(some))):
            found[row.replica_id] = Counters(**{name: getattr(row, name) for name in _COUNTERS})
    return found


def _write(session: Session, meters: Iterable[tuple[str, Counters]]) -> None:
    table = UsageMeter.__table__
    assert isinstance(table, Table)  # noqa: S101  of a mapped class it is
    rows = [
        {"replica_id": replica_id} | {name: getattr(counters, name) for name in _COUNTERS}
        for replica_id, counters in meters
    ]
    if rows:
        statement = insert(session, table)
        replaced = {name: statement.excluded[name] for name in _COUNTERS}
        write_many(session, statement.on_conflict_do_update(index_elements=["replica_id"], set_=replaced), rows)
