"""How gunicorn runs the webhook: one process on a unix socket, which loads the app itself.

Loaded before the fork, the app would be in both processes, and most of it twice: whatever is used is written to, by its
reference count. So the arbiter stays small, holds the socket, and starts the worker anew when it dies (decision 15).
"""

from __future__ import annotations

import gc
from typing import Any

from slipway import settings

_settings = settings.load()

bind = f"unix:{_settings.webhook_socket}"
worker_tmp_dir = str(_settings.scratch_dir)
worker_class = "gthread"
workers = 1
threads = _settings.web_threads
graceful_timeout = 10


def pre_fork(_server: Any, _worker: Any) -> None:
    """What both processes have stays one copy in memory: the collector writes to what it looks at."""
    gc.freeze()
