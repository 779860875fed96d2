"""What gunicorn's arbiter does before it forks. Imports nothing heavy: the arbiter stays small (decision 15)."""

from __future__ import annotations

import gc
from typing import Any


def pre_fork(_server: Any, _worker: Any) -> None:
    """Keep what both processes have as one copy in memory: the collector writes to each object that it looks at."""
    gc.freeze()
