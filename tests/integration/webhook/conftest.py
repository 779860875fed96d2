"""The real WSGI app on a real database and a real Redis."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from slipway import settings
from slipway.adapters.redis.work_queue import WorkQueue, connect
from slipway.adapters.vault import HOOKS, Vault, create_key_file
from slipway.db import Database
from slipway.settings import Settings
from tests.integration.webhook.sender import Hooked, TestClientSender
from webhook.app import create_app


@pytest.fixture
def configured(tmp_path: Path, database_url: str, redis_url: str) -> Settings:
    """Settings of one installation, its key file made."""
    environ = {
        "SLIPWAY_STATE_DIR": str(tmp_path),
        "SLIPWAY_DATABASE_URL": database_url,
        "SLIPWAY_REDIS_URL": redis_url,
        "SLIPWAY_PUBLIC_URL": "https://slipway.example",
        "SLIPWAY_DELIVERY_MAX_BYTES": "3m",
    }
    made = settings.load(environ)
    made.key_dir.mkdir()
    create_key_file(made.key_dir / HOOKS)
    return made


@pytest.fixture
def vault(configured: Settings) -> Vault:
    return Vault(configured.key_dir / HOOKS)


@pytest.fixture
def sender(configured: Settings, database: Database) -> TestClientSender:
    """Sends deliveries to the app, without a server."""
    queue = WorkQueue(connect(configured.redis_url), job_timeout_s=60)
    return TestClientSender(create_app(configured, database, queue))


@pytest.fixture
def hooked(database: Database, vault: Vault) -> Callable[..., Hooked]:
    """Makes a tenant with an app and a hook on its repository."""
    return lambda **how: Hooked.make(database, vault, **how)
