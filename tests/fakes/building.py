"""Repositories and builds that are only remembered."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from slipway.core.build.step_cache import DeletedApp
from slipway.errors import DeploymentFailed
from slipway.ports.building import Branches, BuildSpec, Built, Commit, Interrupted, Repository, Stopped


class FakeSources:
    """Repositories as branch heads."""

    def __init__(self) -> None:
        self.heads: dict[tuple[str, str], str] = {}
        """(URL, full ref) → commit."""
        self.asked: list[Repository] = []
        self.failure: DeploymentFailed | None = None

    def resolve(self, repository: Repository, ref: str) -> str | None:
        self.asked.append(repository)
        if self.failure:
            raise self.failure
        return self.heads.get((repository.url, ref))

    def branches(self, repository: Repository) -> Branches:
        refs = [ref for url, ref in self.heads if url == repository.url]
        return Branches(tuple(ref.removeprefix("refs/heads/") for ref in refs))

    def fetch(self, repository: Repository, sha: str, into: Path, *, stopped: Stopped) -> Commit:
        if sha not in {commit for (url, _), commit in self.heads.items() if url == repository.url}:
            raise DeploymentFailed("commit-missing", f"{sha[:7]} is not there")
        if stopped():
            raise Interrupted
        (into / "Dockerfile").write_text("FROM scratch\n")
        return Commit(sha, "A change", "someone")

    def changed(
        self,
        repository: Repository,
        old: str,
        new: str,
        folder: Path,  # noqa: ARG002
        *,
        stopped: Stopped,  # noqa: ARG002
    ) -> frozenset[str]:
        raise DeploymentFailed("commit-missing", f"nothing is known of {repository.url}, {old[:7]} and {new[:7]}")


class FakeBuilder:
    """Builds nothing, and remembers what it was asked."""

    def __init__(self) -> None:
        self.specs: list[BuildSpec] = []
        self.forgot: list[str | DeletedApp] = []
        self.local: set[str] = set()

    def build(self, spec: BuildSpec, *, output: Callable[[str], None], stopped: Stopped, timeout_s: float) -> Built:  # noqa: ARG002
        if stopped():
            raise Interrupted
        self.specs.append(spec)
        output("built")
        return Built(f"sha256:{len(self.specs):064x}", 8000, "app", 1 << 20, 3, 0)

    def free_bytes(self) -> int:
        return 1 << 40

    def local_image(self, reference: str) -> bool:
        return reference in self.local

    def forget_sources(self) -> None:
        self.forgot.append("sources")

    def forget_steps(self, deleted: DeletedApp) -> None:
        self.forgot.append(deleted)
