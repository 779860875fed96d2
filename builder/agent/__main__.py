"""`python -m builder.agent`: waits to be elected, then works until SIGTERM."""

from __future__ import annotations

import functools
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType

from builder.agent.assembly import Adapters, assemble
from builder.agent.background_tasks import BackgroundTasks
from builder.agent.dependency_backoff import DependencyBackoff
from builder.agent.election import elected
from builder.agent.maintenance.polling import Polling
from builder.agent.previews.loops import preview_loops
from builder.agent.reporting import Reporting, StatusSender
from builder.agent.reports.github import GitHubReporting
from builder.agent.rollout.probing import NetworkProber
from builder.agent.routes.https_policies import HttpsPolicies
from builder.agent.routes.limit_tokens import LimitTokenSync
from builder.agent.scheduler import Scheduler
from builder.agent.service import Agent, Background
from slipway import logs, settings
from slipway.adapters import vault
from slipway.adapters.buildkit.cgroup import Caps
from slipway.adapters.buildkit.image_builder import BuildKit
from slipway.adapters.docker import cli
from slipway.adapters.git.commit_status import CommitStatuses, forge_tokens
from slipway.adapters.redis import work_queue
from slipway.adapters.redis.deployment_log import RedisDeploymentLog
from slipway.adapters.redis.edge_metrics import RedisUsageStream
from slipway.adapters.redis.events import RedisEvents
from slipway.adapters.redis.limit_tokens import RedisLimitTokens
from slipway.adapters.redis.routes import RedisRoutes
from slipway.adapters.redis.work_queue import WorkQueue
from slipway.adapters.runtimes import chosen_runtime
from slipway.adapters.vault import Vault
from slipway.db import Database
from slipway.domain.github.app import AppOfPlatform
from slipway.domain.github.sources import installation_sources
from slipway.errors import SlipwayError
from slipway.ports.building import ImageBuilder
from slipway.settings import Settings

log = logging.getLogger(__name__)

RECONCILES = 8
SWITCH_S = 0.0005
"""Once the Engine or the database has answered a thread, it waits this long for one that computes, instead of 5 ms."""


def main() -> int:
    """Returns the exit code; wrong settings are the only reason for one that isn't 0."""
    try:
        chosen = settings.load()
        sys.setswitchinterval(SWITCH_S)
        logs.configure("agent", chosen.log_level)
        stopped = threading.Event()
        _on_signal(stopped.set)
        lock = elected(chosen.run_dir / "agent.lock", stopped)
        if lock is None:
            return 0
        agent = _agent(chosen)
    except SlipwayError as error:
        log.critical(error.message, extra={"remedy": error.remedy})
        return 1
    _on_signal(agent.stop)
    agent.run()
    log.info("stopped")
    return 0


def _agent(chosen: Settings) -> Agent:
    adapters = _adapters(chosen)
    dependency_backoff = DependencyBackoff()
    scheduler = Scheduler(dependency_backoff, threads=RECONCILES)
    https = HttpsPolicies(adapters.db, chosen)
    components = assemble(chosen, adapters, BackgroundTasks.in_threads(scheduler.wake), https.changed)
    return Agent(chosen, adapters, components, _background(chosen, adapters, https), scheduler, dependency_backoff)


def _background(chosen: Settings, adapters: Adapters, https: HttpsPolicies) -> Background:
    redis = work_queue.connect(chosen.redis_url)
    work = WorkQueue(redis, job_timeout_s=chosen.build_timeout_s)
    sources = installation_sources(chosen, adapters.db, adapters.vault)
    logs = RedisDeploymentLog(redis, chosen.log_dir)
    forges = forge_tokens(chosen)
    github = GitHubReporting(adapters.db, AppOfPlatform(adapters.db, chosen, adapters.vault), chosen)
    forge = StatusSender(CommitStatuses(forges), chosen.public_url, github)
    return Background(
        events=RedisEvents(work_queue.connect(chosen.redis_url, timeout_s=5.0)),
        queue=work,
        certificates=work,
        builder=_builder(chosen),
        logs=logs,
        polling=Polling(adapters.db, work, sources, adapters.vault, every_s=chosen.poll_s),
        reporting=Reporting(adapters.db, logs, forge),
        limit_tokens=LimitTokenSync(adapters.db, RedisLimitTokens(redis)),
        https=https,
        usage=RedisUsageStream(redis),
        previews=preview_loops(adapters.db, work, adapters.vault, chosen, forges),
    )


def _builder(chosen: Settings) -> Callable[[], ImageBuilder]:
    """Made when an app is deleted: the agent also rolls out on a host whose docker client can't build."""

    @functools.cache
    def made_once() -> ImageBuilder:
        client = cli.pick_client(chosen.docker_cli)
        caps = Caps(chosen.build_memory_bytes, chosen.build_cpus, chosen.build_pids)
        return BuildKit(client, chosen.docker_host, chosen.state_dir, caps, chosen.disk_floor_bytes)

    return made_once


def _adapters(chosen: Settings) -> Adapters:
    db = Database(chosen.database_url)
    return Adapters(
        db=db,
        runtime=chosen_runtime(chosen, db),
        publisher=RedisRoutes(work_queue.connect(chosen.redis_url)),
        vault=Vault(chosen.key_dir / vault.VALUES),
        prober=NetworkProber(),
    )


def _on_signal(stop: Callable[[], None]) -> None:
    def handle(_number: int, _frame: FrameType | None) -> None:
        stop()

    signal.signal(signal.SIGTERM, handle)
    signal.signal(signal.SIGINT, handle)


if __name__ == "__main__":
    code = main()
    sys.stderr.flush()
    os._exit(code)  # a background task may wait for minutes; the next agent resumes whatever it leaves
