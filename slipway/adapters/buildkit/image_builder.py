"""Builds images with BuildKit, through the docker client: from a local folder to an image id.

The client gets an environment of its own, with the build's secrets and without the host's configuration folder, which
may hold registry credentials. Killing the client cancels the build: BuildKit stops the running step when the client's
session ends.
"""

from __future__ import annotations

import json
import logging
import os
import re
import subprocess
import time
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path

from slipway.adapters.buildkit.build_history import BuildHistory
from slipway.adapters.buildkit.cgroup import Caps
from slipway.adapters.buildkit.image_folder import seen_from_here
from slipway.adapters.buildkit.step_cache import StepCache
from slipway.adapters.buildkit.steps import is_built_beside, own_address, steps_with
from slipway.adapters.docker.engine_calls import every
from slipway.adapters.docker.images.image_facts import facts_of
from slipway.adapters.linux import processes
from slipway.core.build import image_pulls
from slipway.core.build.progress import Progress, explain
from slipway.core.build.step_cache import DeletedApp, records_of
from slipway.errors import DependencyUnavailable, DeploymentFailed
from slipway.ports.building import BuildSpec, Built, ImageFacts, Interrupted, Stopped

log = logging.getLogger(__name__)

SHORT_TIMEOUT_S = 60.0
PULL_TIMEOUT_S = 60.0
STEPS_END_TIMEOUT_S = 10.0
STEPS_JOINED_S = 2.0
SPACE_CHECK_S = 0.5
KEPT_LINES = 400
_NO_REGISTRY_KEPT_S = 600.0
_TIMED_OUT = 124
_NO_SPACE = re.compile(r"no space left on device", re.IGNORECASE)


class _Full(Exception):
    """Less than the floor is free where images are stored."""


@dataclass(frozen=True, slots=True)
class EngineFacts:
    """Facts that do not change while the Engine runs."""

    major: int
    root: Path


class BuildKit:
    """`ImageBuilder` with the docker client at `client`. Its empty configuration and the build history are in
    `state_dir`."""

    def __init__(self, client: str, docker_host: str, state_dir: Path, caps: Caps, disk_floor_bytes: int) -> None:
        self._client = client
        self._docker_host = docker_host
        self._folder = state_dir / "buildkit"
        self._caps = caps
        self.disk_floor_bytes = disk_floor_bytes
        self._facts: EngineFacts | None = None
        self._history = BuildHistory(self._folder)
        self._cache = StepCache(docker_host)

    # building

    def build(self, spec: BuildSpec, *, output: Callable[[str], None], stopped: Stopped, timeout_s: float) -> Built:
        """Build to the end, and call `output` with each line.

        Raises:
            DeploymentFailed: `build-failed`, `build-timeout` or `disk-full`.
            Interrupted: `stopped` returned True; the client and the running step have ended.
        """
        id_file = spec.dockerfile.with_name("image-id")
        result = ["--iidfile", str(id_file), "--tag", spec.image]
        progress, tail = self._run_build(spec, result, output=output, stopped=stopped, timeout_s=timeout_s)
        if not id_file.is_file():
            raise self._failure(progress, list(tail))
        return self._built(id_file.read_text().strip(), progress)

    def export(
        self, spec: BuildSpec, into: Path, *, output: Callable[[str], None], stopped: Stopped, timeout_s: float
    ) -> None:
        """Build to the end, and write the files of the result into a folder. Raises as `build`."""
        result = ["--output", f"type=local,dest={into}"]
        self._run_build(spec, result, output=output, stopped=stopped, timeout_s=timeout_s)

    def _run_build(
        self,
        spec: BuildSpec,
        result: list[str],
        *,
        output: Callable[[str], None],
        stopped: Stopped,
        timeout_s: float,
    ) -> tuple[Progress, deque[str]]:
        """`result` says what becomes of it, in options of the client. Raises as `build`."""
        self.require_space()
        self._caps.apply()
        progress, tail = Progress(), deque[str](maxlen=KEPT_LINES)

        def show(line: str) -> None:
            shown = progress.add(line)
            if shown is not None:
                tail.append(shown)
                output(shown)

        with self._recorded(spec, timeout_s):
            code = self._run_client(spec, result, tail, output=show, stopped=stopped, timeout_s=timeout_s)
        if code:
            raise self._failure(progress, list(tail))
        return progress, tail

    def _run_client(
        self,
        spec: BuildSpec,
        result: list[str],
        tail: deque[str],
        *,
        output: Callable[[str], None],
        stopped: Stopped,
        timeout_s: float,
    ) -> int:
        """The client's exit code. When it is stopped, wait until its steps have ended too."""
        address = own_address()
        try:
            return processes.run(
                self._argv(spec, result, address),
                env=self._environment() | {_secret(n): v for n, v in enumerate(spec.secrets.values())},
                timeout_s=timeout_s,
                stopped=self._or_full(stopped),
                output=output,
            ).code
        except Interrupted:
            self._await_steps_end(spec, address)
            raise
        except _Full:
            self._await_steps_end(spec, address)
            raise self._disk_full("\n".join(tail), "the build was stopped: ") from None
        except processes.TimedOut:
            self._await_steps_end(spec, address)
            raise _too_long(timeout_s, tail) from None

    def _recorded(self, spec: BuildSpec, timeout_s: float) -> AbstractContextManager[None]:
        """Record when the build runs: by that time its records in the step cache are found."""
        longest_s = timeout_s + STEPS_END_TIMEOUT_S
        return self._history.running(
            app_id=spec.app_id, tenant_id=spec.tenant_id, deployment_id=spec.deployment_id, longest_s=longest_s
        )

    def _argv(self, spec: BuildSpec, result: list[str], address: str) -> list[str]:
        options = [("--build-arg", f"{name}={value}") for name, value in spec.arguments.items()]
        options += [("--add-host", f"{_extra_host(spec)}:{address}")]  # see steps.py: a Dockerfile can't override it
        options += [("--label", f"{name}={value}") for name, value in spec.labels.items()]
        options += [("--secret", f"id={name},env={_secret(n)}") for n, name in enumerate(spec.secrets)]
        options += [("--target", spec.target)] if spec.target else []
        return [
            *(self._client, "build", "--progress=plain", *result),
            *("--file", str(spec.dockerfile)),
            *(part for option in options for part in option),
            *("--", str(spec.context)),
        ]

    def _built(self, digest: str, progress: Progress) -> Built:
        [image] = json.loads(self._must(["image", "inspect", "--", digest]))
        return Built(**asdict(facts_of(image)), steps_total=progress.total, steps_cached=progress.cached)

    def _failure(self, progress: Progress, lines: list[str]) -> DeploymentFailed:
        tail = "\n".join(lines)
        if _NO_SPACE.search(tail) or _NO_SPACE.search(progress.error):
            return self._disk_full(tail)
        caps = self._caps
        found = explain(progress, memory=f"{caps.memory_bytes >> 20} MB", processes=caps.pids, lines=lines)
        return DeploymentFailed("build-failed", found.sentence, cause=found.cause, remedy=found.remedy, tail=found.tail)

    def _or_full(self, stopped: Stopped) -> Stopped:
        """`stopped`, which also checks the disk, and raises `_Full` when it is full. All builds stop then, whichever
        filled it."""
        full = every(SPACE_CHECK_S, lambda: _Full() if self.free_bytes() < self.disk_floor_bytes else None)

        def check() -> bool:
            if reason := full():
                raise reason
            return stopped()

        return check

    def _await_steps_end(self, spec: BuildSpec, address: str) -> None:
        """Wait until the stopped build's steps have ended. A step that another build of the tenant waits for as well
        goes on for that build."""
        began = time.monotonic()
        while steps := steps_with(address):
            waited_s = time.monotonic() - began
            if waited_s > STEPS_JOINED_S and is_built_beside(_extra_host(spec)):
                return
            if waited_s > STEPS_END_TIMEOUT_S:
                log.warning("a stopped build's step runs on", extra={"steps": steps})
                return
            time.sleep(0.05)

    # the Engine

    def free_bytes(self) -> int:
        """Free space where images are stored. That of an Engine on another host is unknown and counts as enough."""
        try:
            space = os.statvfs(seen_from_here(self.facts().root, self._docker_host))
        except FileNotFoundError:
            return 1 << 62
        return space.f_bavail * space.f_frsize

    def facts(self) -> EngineFacts:
        """Version and data folder of the Engine.

        Raises:
            DependencyUnavailable: it does not answer.
        """
        if self._facts is None:
            wanted = "{{.ServerVersion}}\t{{.DockerRootDir}}"
            version, _, root = self._must(["info", "--format", wanted]).strip().partition("\t")
            major = re.match(r"\d+", version)
            if not major or not root:
                raise DependencyUnavailable("the Docker Engine does not answer", remedy="slipway doctor")
            self._facts = EngineFacts(int(major[0]), Path(root))
        return self._facts

    def local_image(self, reference: str) -> bool:
        return self._run(["image", "inspect", "--format", "{{.Id}}", "--", reference]).returncode == 0

    def obtain_image(self, reference: str) -> bool:
        """Is the image on this host, or could it be pulled? A registry that did not answer is not asked again for ten
        minutes."""
        if self.local_image(reference):
            return True
        unanswered = self._folder / "no-registry"
        if unanswered.exists() and time.time() - unanswered.stat().st_mtime < _NO_REGISTRY_KEPT_S:
            return False
        pulled = self._run(["pull", "--quiet", "--", reference], timeout_s=PULL_TIMEOUT_S)
        if pulled.returncode and (pulled.returncode == _TIMED_OUT or image_pulls.is_unreachable(pulled.stderr)):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            unanswered.touch()
        return pulled.returncode == 0

    def tags(self, name: str) -> list[str]:
        """The tags that an image of this name has on this host; none when the Engine does not answer."""
        listed = self._run(["image", "ls", "--format", "{{.Tag}}", "--", name])
        return [tag for tag in listed.stdout.split() if tag != "<none>"]

    def forget_sources(self) -> None:
        """Remove BuildKit's copies of the contexts of finished builds. The step cache stays as it is."""
        self._must(["builder", "prune", "--force", "--filter", "type=source.local"])

    def forget_steps(self, deleted: DeletedApp) -> None:
        """Remove the records of the step cache that may be a deleted app's. Those known to be other apps' stay."""
        records = records_of(deleted, self._cache.records(), self._history.known())
        self._cache.remove([record.id for record in records])

    def tag_image(self, digest: str, tag: str) -> ImageFacts | None:
        """Give the image of this id one more name. None when it is not on this host."""
        if not self.local_image(digest):
            return None
        self._must(["image", "tag", digest, tag])
        [image] = json.loads(self._must(["image", "inspect", "--", tag]))
        return facts_of(image)

    def remove_image(self, image: str) -> None:
        """Remove a tag that no deployment uses. Does nothing when there is no such image."""
        self._run(["image", "rm", "--no-prune", "--", image])

    def require_space(self) -> None:
        """Raises `DeploymentFailed` (`disk-full`) when less than the floor is free where images are stored."""
        if self.free_bytes() < self.disk_floor_bytes:
            raise self._disk_full("")

    def _disk_full(self, tail: str, first: str = "") -> DeploymentFailed:
        free, floor = self.free_bytes() / (1 << 30), self.disk_floor_bytes / (1 << 30)
        return DeploymentFailed(
            "disk-full",
            f"{first}{free:.1f} GB are free where images are stored ({self.facts().root}); builds need {floor:.1f} GB",
            remedy="free some space on the host: docker builder prune, docker image prune; "
            "or lower SLIPWAY_DISK_FLOOR_BYTES",
            tail=tail,
        )

    def _environment(self) -> dict[str, str]:
        configuration = self._folder / "docker-config"
        configuration.mkdir(mode=0o700, parents=True, exist_ok=True)
        return {
            "DOCKER_HOST": self._docker_host,
            "DOCKER_CONFIG": str(configuration),
            "DOCKER_BUILDKIT": "1",
            "DOCKER_CLI_HINTS": "false",
            "BUILDX_NO_DEFAULT_ATTESTATIONS": "1",
            "HOME": "/nonexistent",
        }

    def _run(self, arguments: list[str], *, timeout_s: float = SHORT_TIMEOUT_S) -> subprocess.CompletedProcess[str]:
        try:
            return subprocess.run(
                [self._client, *arguments],
                env={"PATH": processes.PATH, **self._environment()},
                capture_output=True,
                text=True,
                check=False,
                timeout=timeout_s,
            )
        except subprocess.TimeoutExpired:
            return subprocess.CompletedProcess(arguments, _TIMED_OUT, "", f"no answer within {timeout_s:g} s")

    def _must(self, arguments: list[str], *, timeout_s: float = SHORT_TIMEOUT_S) -> str:
        done = self._run(arguments, timeout_s=timeout_s)
        if done.returncode:
            raise DependencyUnavailable(
                f"the Docker Engine did not do `docker {' '.join(arguments[:2])}`: {done.stderr.strip()[-300:]}",
                remedy="slipway doctor",
            )
        return done.stdout


def _extra_host(spec: BuildSpec) -> str:
    return f"{spec.shares}.invalid"


def _secret(number: int) -> str:
    """The environment variable of the client that carries a secret. The secret's own name could be one that the client
    reads."""
    return f"BUILD_SECRET_{number}"


def _too_long(timeout_s: float, tail: deque[str]) -> DeploymentFailed:
    return DeploymentFailed(
        "build-timeout",
        f"the build took longer than {timeout_s:g} s and was stopped",
        remedy="make it faster, or ask the host's owner for a longer SLIPWAY_BUILD_TIMEOUT_S",
        tail="\n".join(tail),
    )
