"""What gunicorn's processes do around a fork. Imports nothing heavy: the arbiter stays small (decision 15)."""

from __future__ import annotations

import gc
from typing import Any


def pre_fork(_server: Any, _worker: Any) -> None:
    """Keep what both processes have as one copy in memory: the collector writes to each object that it looks at."""
    gc.freeze()


def post_worker_init(_worker: Any) -> None:
    """Let the collector skip the app, which has been loaded by now and stays: to look at all of it stops every request
    for a tenth of a second, now and then."""
    gc.collect()
    gc.freeze()
