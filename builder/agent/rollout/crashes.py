"""How a replica's container ended, in its row and in its output."""

from __future__ import annotations

from sqlalchemy.orm import Session

from slipway.core.rollout.crash import Crash, out_of_memory_text, output_note
from slipway.core.rollout.replica_states import DRAINING, GONE, READY, STARTING
from slipway.core.rollout.view import Container
from slipway.models import Release, Replica


def record_crash(session: Session, row: Replica, ended: Container, at: float) -> None:
    """An event may have recorded it already, with the time at which it happened."""
    if crash_of(row, ended.id) is None:
        found = Crash(ended.id, at, ended.exit_code, ended.oom_killed, memory_limit(session, row))
        row.last_crash = found.to_json()


def crash_of(row: Replica, container_id: str | None) -> Crash | None:
    """How this container of the replica ended by itself; None: no such end is recorded."""
    found = Crash.from_json(row.last_crash) if row.last_crash else None
    return found if found and found.container_id == container_id else None


def output_notes(session: Session, row: Replica, now: float) -> list[bytes]:
    """Lines about the recorded container that it can't print itself, in the order of their times: that a process of it
    was killed for lack of memory, and how it ended. `now`: Unix seconds."""
    notes = []
    shortage_at, started_at = row.out_of_memory_at, row.started_at
    if shortage_at and started_at and shortage_at >= started_at:
        text = f"a process was killed: {out_of_memory_text(memory_limit(session, row))}"
        notes.append(output_note(shortage_at.timestamp(), text))
    if found := crash_of(row, row.container_id):
        follows = _what_follows(row, found, now) if is_decided(row) else ""
        notes.append(output_note(found.at, "; ".join(filter(None, [f"ended: {found.cause}", follows]))))
    return notes


def is_decided(row: Replica) -> bool:
    """Has a pass decided what follows the end of its container? An event records the end before that."""
    return row.state not in (STARTING, READY)


def memory_limit(session: Session, row: Replica) -> int:
    """Bytes that the replica may use."""
    release = session.get(Release, row.release_id)
    return int(release.configuration["memory_bytes"]) if release else 0


def _what_follows(row: Replica, found: Crash, now: float) -> str:
    if row.state in (DRAINING, GONE):
        return "not started again"
    wait_s = row.retry_at.timestamp() - now if row.retry_at else 0.0
    if wait_s > 0:
        return f"started again in {wait_s:.0f} s"
    return f"started again after {max(0.0, now - found.at):.0f} s"
