"""Fakes of what a worker works with: sources without git, images without an Engine, a log in memory."""

# ruff: noqa: ARG002 - a fake takes all that its port is given

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from slipway.adapters.git.status_apis import CommitStatus
from slipway.core.build.step_cache import DeletedApp
from slipway.errors import DependencyUnavailable, DeploymentFailed
from slipway.ports.building import (
    Branches,
    BuildSpec,
    Built,
    Commit,
    ImageFacts,
    Interrupted,
    Pulled,
    RegistryImage,
    Repository,
    Stopped,
)

DIGEST = "sha256:" + "d" * 64
REGISTRY_DIGEST = "sha256:" + "e" * 64


@dataclass
class FakeSources:
    """`SourceFetcher`: heads by ref, one set of files for every commit."""

    heads: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=lambda: {"Dockerfile": "FROM python\n"})
    failure: DeploymentFailed | None = None
    trees: dict[str, dict[str, str]] = field(default_factory=dict)
    """Commit → its files, where they matter for what differs."""
    compared: list[tuple[str, str]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    repositories: list[Repository] = field(default_factory=list)

    def resolve(self, repository: Repository, ref: str) -> str | None:
        self.asked.append(ref)
        return self.heads.get(ref)

    def branches(self, repository: Repository) -> Branches:
        return Branches(tuple(ref.removeprefix("refs/heads/") for ref in self.heads))

    def fetch(self, repository: Repository, sha: str, into: Path, *, stopped: Stopped) -> Commit:
        self.repositories.append(repository)
        if self.failure:
            raise self.failure
        for name, text in self.files.items():
            (into / name).write_text(text)
        return Commit(sha, "A message", "Ada")

    def changed(self, repository: Repository, old: str, new: str, folder: Path, *, stopped: Stopped) -> frozenset[str]:
        self.compared.append((old, new))
        if not {old, new} <= set(self.trees):
            raise DeploymentFailed("commit-missing", "the repository does not have that commit (any more)")
        return frozenset(name for name, _ in self.trees[old].items() ^ self.trees[new].items())


@dataclass
class FakeImages:
    """`ImageBuilder`: what `during` does while it builds decides how it ends."""

    during: Callable[[BuildSpec, Callable[[str], None]], None] = lambda _spec, _output: None
    built: list[BuildSpec] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    tagged: list[tuple[str, str]] = field(default_factory=list)
    """Digest, tag."""
    forgotten: int = 0
    local: frozenset[str] = frozenset()
    exported: dict[str, bytes] = field(default_factory=dict)
    """What a build leaves in a folder."""
    waits_for_stop: bool = False

    def build(self, spec: BuildSpec, *, output: Callable[[str], None], stopped: Stopped, timeout_s: float) -> Built:
        self.built.append(spec)
        self.during(spec, output)
        until = time.monotonic() + 20
        while self.waits_for_stop and not stopped():
            assert time.monotonic() < until, "nobody stopped the build"
            time.sleep(0.005)
        if stopped():
            raise Interrupted
        return Built(DIGEST, 8000, "10001", 1000, 4, 3)

    def export(
        self, spec: BuildSpec, into: Path, *, output: Callable[[str], None], stopped: Stopped, timeout_s: float
    ) -> None:
        self.build(spec, output=output, stopped=stopped, timeout_s=timeout_s)
        for name, content in self.exported.items():
            (into / name).write_bytes(content)

    def free_bytes(self) -> int:
        return 1 << 40

    def local_image(self, reference: str) -> bool:
        return reference in self.local

    def obtain_image(self, reference: str) -> bool:
        return self.local_image(reference)

    def tags(self, name: str) -> list[str]:
        return [image.partition(":")[2] for image in self.local if image.partition(":")[0] == name]

    def tag_image(self, digest: str, tag: str) -> ImageFacts | None:
        if digest not in self.local:
            return None
        self.tagged.append((digest, tag))
        return ImageFacts(digest, 8000, "10001", 1000)

    def remove_image(self, image: str) -> None:
        self.removed.append(image)

    def forget_sources(self) -> None:
        self.forgotten += 1

    def forget_steps(self, deleted: DeletedApp) -> None: ...


@dataclass
class FakePulls:
    """`ImageFetcher`: what `during` does while it pulls decides how it ends."""

    during: Callable[[Callable[[str], None]], None] = lambda _output: None
    digest: str = REGISTRY_DIGEST
    failure: DeploymentFailed | None = None
    looked_up: list[RegistryImage] = field(default_factory=list)
    pulled: list[tuple[RegistryImage, str, str]] = field(default_factory=list)
    """Image, digest, tag."""
    waits_for_stop: bool = False

    def resolve(self, image: RegistryImage, *, stopped: Stopped) -> str:
        self.looked_up.append(image)
        if self.failure:
            raise self.failure
        return self.digest

    def fetch(
        self,
        image: RegistryImage,
        digest: str,
        *,
        tag: str,
        output: Callable[[str], None],
        stopped: Stopped,
        timeout_s: float,
    ) -> Pulled:
        self.pulled.append((image, digest, tag))
        self.during(output)
        until = time.monotonic() + 20
        while self.waits_for_stop and not stopped():
            assert time.monotonic() < until, "nobody stopped the pull"
            time.sleep(0.005)
        if self.waits_for_stop:
            raise Interrupted
        return Pulled(DIGEST, 8080, "", 1000, "pulled 1.0 MB, 2 of 3 layers were here")


@dataclass
class FakeLog:
    """`DeploymentLog` in memory."""

    lines: list[str] = field(default_factory=list)
    finished: list[int] = field(default_factory=list)

    def append(self, deployment_id: int, line: str) -> None:
        self.lines.append(line)

    def finish(self, deployment_id: int) -> None:
        self.finished.append(deployment_id)

    def read(self, deployment_id: int) -> Iterator[str]:
        return iter(self.lines)

    def follow(self, deployment_id: int, *, after: str = "0") -> Iterator[tuple[str, str]]:
        for number, line in enumerate(self.lines, start=1):
            if number > int(after):
                yield str(number), line

    def remove(self, deployment_id: int) -> None:
        self.lines.clear()


@dataclass
class FakeStatuses:
    """A forge that takes commit statuses, or does not answer."""

    sent: list[CommitStatus] = field(default_factory=list)
    are_sent: bool = True
    down: bool = False
    before: Callable[[CommitStatus], None] = lambda _status: None
    """What happens while a status is on its way."""

    def send(self, status: CommitStatus) -> None:
        self.before(status)
        if self.down:
            raise DependencyUnavailable("The forge does not answer.")
        self.sent.append(status)

    @property
    def states(self) -> list[str]:
        return [each.state for each in self.sent]


@dataclass
class FakeQueue:
    """What was enqueued, and whose app the agent was woken for."""

    enqueued: list[tuple[int, int]] = field(default_factory=list)
    woken: list[int] = field(default_factory=list)

    def enqueue_build(self, deployment_id: int, attempt: int) -> bool:
        self.enqueued.append((deployment_id, attempt))
        return True

    def wake_agent(self, app_id: int) -> None:
        self.woken.append(app_id)
