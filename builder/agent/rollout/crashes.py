"""How a replica's container ended, in its row and in its output."""

from __future__ import annotations

from sqlalchemy.orm import Session

from slipway.core.rollout import fleet
from slipway.core.rollout.crash import Crash, out_of_memory_text, output_note
from slipway.models import Release, Replica


def record_crash(session: Session, row: Replica, ended: fleet.Container, at: float) -> None:
    """An event may have recorded it already, with the time at which it happened."""
    if crash_of(row, ended.id) is None:
        found = Crash(ended.id, at, ended.exit_code, ended.oom_killed, memory_limit(session, row))
        row.last_crash = found.to_json()


def crash_of(row: Replica, container_id: str | None) -> Crash | None:
    """How this container of the replica ended by itself; None: it did not, as far as is known."""
    found = Crash.from_json(row.last_crash) if row.last_crash else None
    return found if found and found.container_id == container_id else None


def output_notes(session: Session, row: Replica, now: float) -> list[bytes]:
    """What the output of the recorded container does not say itself, in the order of the times: that a process of it
    was killed for lack of memory, and how it ended. `now`: Unix seconds."""
    notes = []
    short_at, started_at = row.out_of_memory_at, row.started_at
    if short_at and started_at and short_at >= started_at:
        text = f"a process was killed: {out_of_memory_text(memory_limit(session, row))}"
        notes.append(output_note(short_at.timestamp(), text))
    if found := crash_of(row, row.container_id):
        follows = _what_follows(row, found, now) if is_decided(row) else ""
        notes.append(output_note(found.at, "; ".join(filter(None, [f"ended: {found.cause}", follows]))))
    return notes


def is_decided(row: Replica) -> bool:
    """Is it decided what follows the end of its container? An event records the end, and a pass decides later."""
    return row.state not in (fleet.STARTING, fleet.READY)


def memory_limit(session: Session, row: Replica) -> int:
    """Bytes that the replica may use."""
    release = session.get(Release, row.release_id)
    return int(release.configuration["memory_bytes"]) if release else 0


def _what_follows(row: Replica, found: Crash, now: float) -> str:
    if row.state in (fleet.DRAINING, fleet.GONE):
        return "not started again"
    wait_s = row.retry_at.timestamp() - now if row.retry_at else 0.0
    if wait_s > 0:
        return f"started again in {wait_s:.0f} s"
    return f"started again after {max(0.0, now - found.at):.0f} s"
