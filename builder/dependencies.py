"""What a worker's job depends on. Connections are made after the fork, for each job; what is known before the fork is
shared by all jobs."""

from __future__ import annotations

import functools
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path

from builder.sources import scratch
from builder.sources.build_plan import BuildPlanner
from slipway.adapters import vault
from slipway.adapters.buildkit.cgroup import Caps
from slipway.adapters.buildkit.image_builder import BuildKit
from slipway.adapters.docker import cli
from slipway.adapters.docker.images.registry_images import RegistryImages
from slipway.adapters.redis import work_queue
from slipway.adapters.redis.deployment_log import RedisDeploymentLog
from slipway.adapters.redis.work_queue import WorkQueue
from slipway.adapters.vault import Vault
from slipway.core.build.dockerfile_policy import Rules
from slipway.core.build.templates.template import BaseImages
from slipway.db import Database
from slipway.domain.github.sources import installation_sources
from slipway.errors import DependencyUnavailable
from slipway.ports.building import ImageBuilder, ImageFetcher, SourceFetcher
from slipway.ports.logs import DeploymentLog
from slipway.settings import Settings

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Dependencies:
    settings: Settings
    db: Database
    queue: WorkQueue
    sources: SourceFetcher
    images: ImageBuilder
    pulls: ImageFetcher
    build_planner: BuildPlanner
    log: DeploymentLog
    vault: Vault


@contextmanager
def connected(chosen: Settings) -> Iterator[Dependencies]:
    """The real dependencies, for one job.

    Raises:
        SettingsError: the key file is missing.
        DependencyUnavailable: this host has no docker client that can build.
    """
    images = image_builder(chosen)
    redis = work_queue.connect(chosen.redis_url)
    db, opened = database(chosen), Vault(chosen.key_dir / vault.VALUES)
    try:
        yield Dependencies(
            settings=chosen,
            db=db,
            queue=WorkQueue(redis, job_timeout_s=chosen.build_timeout_s),
            sources=installation_sources(chosen, db, opened),
            images=images,
            pulls=registry_images(chosen, images),
            build_planner=BuildPlanner(
                Rules(frozenset(chosen.base_images), frozenset(chosen.frontends), chosen.registries),
                base_images(chosen),
                images,
                lambda: images.facts().major,
            ),
            log=RedisDeploymentLog(redis, chosen.log_dir),
            vault=opened,
        )
    finally:
        db.dispose()
        redis.close()


def base_images(chosen: Settings) -> BaseImages:
    """The image of each language that generated Dockerfiles start from."""
    names = [each.name for each in fields(BaseImages) if each.name != "host"]
    return BaseImages(**{name: getattr(chosen, f"{name}_image") for name in names})


def database(chosen: Settings) -> Database:
    """One for all jobs of a process and its forks, which share the statements that it has compiled. Only a fork may
    leave connections open."""
    return _database(chosen.database_url)


@functools.cache
def _database(url: str) -> Database:
    return Database(url)


def image_builder(chosen: Settings) -> BuildKit:
    """One for all jobs of a process and its forks: what it has found out about the Engine stays true."""
    caps = Caps(chosen.build_memory_bytes, chosen.build_cpus, chosen.build_pids)
    return _image_builder(chosen.docker_cli, chosen.docker_host, chosen.state_dir, caps, chosen.disk_floor_bytes)


def registry_images(chosen: Settings, disk: BuildKit) -> RegistryImages:
    return RegistryImages(chosen.docker_host, chosen.state_dir, chosen.registries, disk)


@functools.cache
def _image_builder(client: str, docker_host: str, state_dir: Path, caps: Caps, disk_floor_bytes: int) -> BuildKit:
    return BuildKit(cli.pick_client(client), docker_host, state_dir, caps, disk_floor_bytes)


def sweep(chosen: Settings) -> None:
    """Remove the sources in memory that killed workers left behind."""
    if swept := scratch.sweep(scratch.base_folder(chosen.scratch_dir, chosen.instance)):
        log.info("removed the sources of killed workers", extra={"folders": swept})


def tidy(chosen: Settings) -> None:
    """Remove what killed workers left behind: sources in memory, BuildKit's copies of them, and unfinished pulls."""
    sweep(chosen)
    try:
        images = image_builder(chosen)
        images.facts()
        images.forget_sources()
        registry_images(chosen, images).tidy()
    except DependencyUnavailable as error:
        log.warning("what killed workers left in the Engine is removed later", extra={"why": error.message})
