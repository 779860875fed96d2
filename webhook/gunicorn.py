"""How gunicorn runs the webhook: one process on a unix socket, which loads the app itself.

Loaded before the fork, the app would be in both processes, and most of it twice: whatever is used is written to, by its
reference count. So the arbiter stays small, holds the socket, and starts the worker anew when it dies (decision 15).
"""

from __future__ import annotations

from slipway import settings
from slipway.web import served
from slipway.web.forking import post_worker_init, pre_fork

__all__ = ["post_worker_init", "pre_fork"]

_settings = settings.load()

bind = f"unix:{_settings.webhook_socket}"
worker_tmp_dir = str(_settings.scratch_dir)
worker_class = served.Worker
workers = 1
threads = _settings.web_threads
graceful_timeout = 10
limit_request_line = served.REQUEST_LINE_BYTES
limit_request_field_size = served.HEADER_BYTES
limit_request_fields = served.HEADERS
