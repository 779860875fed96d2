"""What the router works with, put together once per process before gunicorn forks: nothing here connects yet."""

from __future__ import annotations

import os
from dataclasses import dataclass

from redis import Redis

from router.followers import Followers
from slipway import queue
from slipway.adapters import vault
from slipway.adapters.agent_client import AgentClient
from slipway.adapters.deployment_log import RedisDeploymentLog
from slipway.adapters.vault import Vault
from slipway.db import Database
from slipway.ports.logs import DeploymentLog
from slipway.queue import WorkQueue
from slipway.settings import Settings

FOLLOWERS = 32
"""Streams at a time in one process, where `router.gunicorn` gives each a thread beside the `web_threads` that answer.
Elsewhere streams take at most half of those."""


@dataclass(frozen=True, slots=True)
class Services:
    settings: Settings
    db: Database
    redis: Redis
    queue: WorkQueue
    values: Vault
    """Seals variables and credentials."""
    hooks: Vault
    """Seals hooks' secrets."""
    log: DeploymentLog
    agent: AgentClient
    followers: Followers


def connect(settings: Settings) -> Services:
    """The real ones.

    Raises:
        SettingsError: a key file is missing.
    """
    database = Database(settings.database_url)
    # A worker never shares a connection with the process that it was forked from. (redis-py looks after its own.)
    os.register_at_fork(after_in_child=lambda: database.engine.dispose(close=False))
    redis = queue.connect(settings.redis_url)
    return Services(
        settings=settings,
        db=database,
        redis=redis,
        queue=WorkQueue(redis, job_timeout_s=settings.build_timeout_s),
        values=Vault(settings.key_dir / vault.VALUES),
        hooks=Vault(settings.key_dir / vault.HOOKS),
        log=RedisDeploymentLog(redis, settings.log_dir),
        agent=AgentClient(settings.agent_socket),
        followers=Followers(max(1, settings.web_threads // 2)),
    )
