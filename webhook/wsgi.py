"""What gunicorn loads: `webhook.wsgi:app`, from the environment's settings."""

from __future__ import annotations

from slipway import logs, settings
from slipway.adapters.redis.work_queue import WorkQueue, connect
from slipway.db import Database
from webhook.app import create_app

_settings = settings.load()
logs.configure("webhook", _settings.log_level)
_database = Database(_settings.database_url)
_queue = WorkQueue(connect(_settings.redis_url), job_timeout_s=_settings.build_timeout_s)
app = create_app(_settings, _database, _queue)
