"""What gunicorn's processes do around a fork. Imports nothing heavy: the arbiter stays small (decision 15)."""

from __future__ import annotations

import gc
import sys
from typing import Any

_SWITCH_S = 0.0005
"""A thread with a statement's answer waits this long for one that computes, instead of 5 ms."""


def pre_fork(_server: Any, _worker: Any) -> None:
    """Keep what both processes have as one copy in memory: the collector writes to each object that it looks at."""
    gc.freeze()


def post_worker_init(_worker: Any) -> None:
    """Let a waiting thread run soon. Let the collector skip the app, which has been loaded by now and stays: to look at
    all of it stops every request for a tenth of a second, now and then."""
    sys.setswitchinterval(_SWITCH_S)
    gc.collect()
    gc.freeze()
