"""One agent at a time on a host: whoever holds the lock. The kernel releases it with the process, however that ends."""

from __future__ import annotations

import fcntl
import logging
import os
import threading
from pathlib import Path

log = logging.getLogger(__name__)

_PAUSE_S = 0.5


def elected(lock: Path, stopped: threading.Event) -> int | None:
    """Wait until this process is the agent; returns the lock's descriptor, to be kept open. None: `stopped` was set."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    waiting = False
    while not stopped.is_set():
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not waiting:
                log.info("another agent runs, waiting")
            waiting = True
            stopped.wait(_PAUSE_S)
        else:
            return descriptor
    os.close(descriptor)
    return None
