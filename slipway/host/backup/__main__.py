"""`python -m slipway.host.backup`: makes a backup whenever one is due, until SIGTERM."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

from slipway import logs, settings
from slipway.errors import SlipwayError
from slipway.host.backup import schedule
from slipway.host.commands import Commands
from slipway.settings import Settings

log = logging.getLogger("slipway.host.backup")

AGAIN_S = 600.0
"""Until one that failed is tried again."""
_LONGEST_WAIT_S = 60.0
"""The clock may be set, and somebody may remove files meanwhile."""
_TIMEOUT_S = 24 * 3600


def main() -> int:
    """Returns the exit code; wrong settings are the only reason for one that isn't 0."""
    try:
        chosen = settings.load()
    except SlipwayError as error:
        print(f"slipway-backup: {error.message}", file=sys.stderr)
        return 1
    logs.configure("backup", chosen.log_level)
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    wait_s = 0.0
    while not stopped.wait(wait_s):
        wait_s = look(chosen, Commands())
    return 0


def look(chosen: Settings, commands: Commands) -> float:
    """Make a backup if one is due, and say after how many seconds to look again."""
    now = datetime.now(UTC)
    due_s = (schedule.due_at(chosen, now) - now).total_seconds()
    if due_s > 0:
        return min(due_s, _LONGEST_WAIT_S)
    return _LONGEST_WAIT_S if _back_up(chosen, commands, schedule.file_for(chosen, now)) else AGAIN_S


def _back_up(chosen: Settings, commands: Commands, file: Path) -> bool:
    """In a process of its own, which gives its memory back at its end."""
    began = time.monotonic()
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    schedule.remove_half_written(chosen)
    argv = [sys.executable, "-m", "slipway.host", "backup", str(file)]
    done = commands.run(argv, timeout_s=_TIMEOUT_S, env=os.environ)
    took_s = round(time.monotonic() - began, 1)
    if not done.ok:
        log.error("backup failed", extra={"file": str(file), "why": done.tail(3), "took_s": took_s})
        return False
    removed = [each.name for each in schedule.trim(chosen, datetime.now(UTC))]
    about = {"file": str(file), "size_bytes": file.stat().st_size, "took_s": took_s, "removed": removed}
    log.info("backup written", extra=about)
    return True


if __name__ == "__main__":
    sys.exit(main())
