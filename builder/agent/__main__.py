"""`python -m builder.agent`: waits to be elected, then works until it is told to stop."""

from __future__ import annotations

import functools
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType

from builder.agent.chores import Chores
from builder.agent.election import elected
from builder.agent.parts import Parts
from builder.agent.reality import Reality
from builder.agent.rollout.probing import NetworkProber
from builder.agent.routes.publishing import RouteSync
from builder.agent.service import Agent, Outside, made
from builder.agent.upkeep.polling import Polling
from slipway import logs, queue, settings
from slipway.adapters import docker_client, vault
from slipway.adapters.buildkit import BuildKit
from slipway.adapters.buildkit_cgroup import Caps
from slipway.adapters.commit_status import CommitStatuses
from slipway.adapters.deployment_log import RedisDeploymentLog
from slipway.adapters.docker_runtime import DockerRuntime
from slipway.adapters.git import GitSources, Limits
from slipway.adapters.redis_routes import RedisRoutes
from slipway.adapters.vault import Vault
from slipway.db import Database
from slipway.errors import SlipwayError
from slipway.ports.building import ImageBuilder
from slipway.queue import WorkQueue
from slipway.settings import Settings

log = logging.getLogger(__name__)

PASSES = 8
SWITCH_S = 0.0005
"""A thread that the Engine or the database has answered waits this long for one that computes, instead of 5 ms."""


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
    parts, scheduler, outages = made(lambda done: _parts(chosen, done), PASSES)
    redis = queue.connect(chosen.redis_url)
    work = WorkQueue(redis, job_timeout_s=chosen.build_timeout_s)
    sources = GitSources(Limits(chosen.git_hosts, chosen.source_max_bytes), chosen.state_dir, settings.outbound())
    outside = Outside(
        redis=queue.connect(chosen.redis_url, timeout_s=5.0),
        queue=work,
        builder=_builder(chosen),
        logs=RedisDeploymentLog(redis, chosen.log_dir),
        polling=Polling(parts.db, work, sources, parts.vault, every_s=chosen.poll_s),
    )
    return Agent(parts, outside, scheduler, outages)


def _builder(chosen: Settings) -> Callable[[], ImageBuilder]:
    """Made when an app is deleted: the agent rolls out on a host whose docker client can't build, too."""

    @functools.cache
    def made_once() -> ImageBuilder:
        client = docker_client.pick_client(chosen.docker_cli)
        caps = Caps(chosen.build_memory_bytes, chosen.build_cpus, chosen.build_pids)
        return BuildKit(client, chosen.docker_host, chosen.state_dir, caps, chosen.disk_floor_bytes)

    return made_once


def _parts(chosen: Settings, done: Callable[[int, float], None]) -> Parts:
    db = Database(chosen.database_url)
    runtime = DockerRuntime(chosen)
    publisher = RedisRoutes(queue.connect(chosen.redis_url))
    return Parts(
        settings=chosen,
        db=db,
        runtime=runtime,
        publisher=publisher,
        vault=Vault(chosen.key_dir / vault.VALUES),
        prober=NetworkProber(),
        chores=Chores.in_threads(done),
        reality=Reality(runtime, max_age_s=chosen.reconcile_s),
        routes=RouteSync(db, publisher),
        statuses=CommitStatuses(chosen.github_api, chosen.github_token),
    )


def _on_signal(stop: Callable[[], None]) -> None:
    def handle(_number: int, _frame: FrameType | None) -> None:
        stop()

    signal.signal(signal.SIGTERM, handle)
    signal.signal(signal.SIGINT, handle)


if __name__ == "__main__":
    code = main()
    sys.stderr.flush()
    os._exit(code)  # a chore may wait for minutes; the next agent takes up whatever it leaves
