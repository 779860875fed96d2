"""What gunicorn loads: `webhook.wsgi:app`, from the environment's settings."""

from __future__ import annotations

import os

from slipway import logs, settings
from slipway.db import Database
from slipway.queue import WorkQueue, connect
from webhook.app import create_app

_settings = settings.load()
logs.configure("webhook", _settings.log_level)
_database = Database(_settings.database_url)
_queue = WorkQueue(connect(_settings.redis_url), job_timeout_s=_settings.build_timeout_s)
app = create_app(_settings, _database, _queue)
# A worker never shares a connection with the process it was forked from. (redis-py looks after its own.)
os.register_at_fork(after_in_child=lambda: _database.engine.dispose(close=False))
