"""Builds on the real Engine, of sources that tests write, as the worker does them."""

from __future__ import annotations

import hashlib
import json
import secrets
import shutil
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from builder.dependencies import base_images
from builder.sources.build_plan import BuildPlan, BuildPlanner
from builder.sources.scratch import scratch
from builder.sources.source_tree import SourceTree
from slipway.adapters.buildkit.cgroup import Caps
from slipway.adapters.buildkit.image_builder import BuildKit
from slipway.adapters.docker import cli
from slipway.core.build.dockerfile_policy import Rules
from slipway.ports.building import BuildSpec, Built
from slipway.settings import Settings
from tests.fixtures.engine import EnginePart, engine_part
from tests.fixtures.repositories import SmallRepository

BASE = "python:3.11-slim"
TENANTS: dict[str, int] = {}
"""Tenants that built something, with their ids."""


def never() -> bool:
    return False


@dataclass
class Bench:
    """Builds; remembers what was printed."""

    part: EnginePart
    images: BuildKit
    rules: Rules
    lines: list[str] = field(default_factory=list)
    image: str = ""

    @property
    def settings(self) -> Settings:
        return self.part.settings

    def build_plan(self, source: Path, variables: Iterable[str] = ()) -> BuildPlan:
        bases = base_images(self.settings)
        build_planner = BuildPlanner(self.rules, bases, self.images, lambda: self.images.facts().major)
        return build_planner.make(SourceTree(source), {}, {}, variables)

    def build(
        self,
        files: Mapping[str, str],
        *,
        tenant: str = "acme",
        app_id: int = 1,
        hidden: Mapping[str, str] | None = None,
        stopped: Callable[[], bool] = never,
        timeout_s: float = 120,
        images: BuildKit | None = None,
        links: Mapping[str, str] | None = None,
        write: Callable[[Path], None] = lambda _source: None,
    ) -> Built:
        base = self.settings.scratch_dir / f"slipway-{self.settings.instance}"
        with scratch(base, secrets.token_hex(4), room_bytes=1 << 20) as folders:
            for name, text in files.items():
                path = folders.source / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
            for name, target in (links or {}).items():
                (folders.source / name).symlink_to(target)
            write(folders.source)
            build_plan = self.build_plan(folders.source, hidden or {})
            dockerfile = folders.build_plan / "Dockerfile"
            dockerfile.write_text(build_plan.dockerfile)
            if build_plan.ignore is not None:
                (folders.build_plan / "Dockerfile.dockerignore").write_text(build_plan.ignore)
            self.image = f"slipway/{secrets.token_hex(16)}:test"
            spec = BuildSpec(
                tenant=tenant,
                tenant_id=TENANTS.setdefault(tenant, len(TENANTS) + 1),
                app="shop",
                app_id=app_id,
                deployment_id=1,
                context=build_plan.context,
                dockerfile=dockerfile,
                image=self.image,
                labels={"slipway.instance": self.settings.instance},
                arguments={"BUILDKIT_CACHE_MOUNT_NS": f"{self.settings.instance}-{tenant}"},
                shares=hashlib.sha256(repr((tenant, hidden)).encode()).hexdigest()[:40],
                secrets=hidden or {},
                target=build_plan.target,
            )
            try:
                return (images or self.images).build(
                    spec, output=self.lines.append, stopped=stopped, timeout_s=timeout_s
                )
            finally:
                self.images.forget_sources()

    def build_repository(self, repository: SmallRepository, *, timeout_s: float) -> Built:
        return self.build({}, write=repository.write, timeout_s=timeout_s)

    def docker(self, *arguments: str) -> str:
        done = subprocess.run([self.part.cli, *arguments], capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def left_of(self, markers: Iterable[str], since: Path) -> set[str]:
        """Those of the markers that are in a file in Docker's data folder, changed since. One search for all of them:
        it looks at every file of every layer."""
        root = self.images.facts().root
        argv = ["find", str(root), "-xdev", "-type", "f", "-cnewer", str(since), "-exec", "grep", "-haoF"]
        argv += [part for marker in markers for part in ("-e", marker)]
        done = subprocess.run([*argv, "--", "{}", "+"], capture_output=True, text=True, check=False, errors="replace")
        return set(done.stdout.splitlines())

    def inspect(self, image: str) -> dict[str, object]:
        [found] = json.loads(self.docker("image", "inspect", image))
        return dict(found)


@pytest.fixture(scope="module")
def part() -> Iterator[EnginePart]:
    with engine_part() as part:
        yield part
        shutil.rmtree(part.settings.scratch_dir / f"slipway-{part.settings.instance}", ignore_errors=True)


@pytest.fixture
def bench(part: EnginePart) -> Bench:
    settings = part.settings
    images = BuildKit(cli.pick_client(), settings.docker_host, settings.state_dir, Caps(4 << 30), 1 << 20)
    return Bench(part, images, Rules(frozenset(settings.base_images), frozenset(settings.frontends)))


@pytest.fixture
def since(tmp_path: Path) -> Path:
    """A file as old as the test."""
    stamp = tmp_path / "stamp"
    stamp.touch()
    time.sleep(0.02)  # file times have a grain
    return stamp


def with_rules(bench: Bench, *base_images: str) -> Bench:
    return replace(bench, rules=replace(bench.rules, base_images=bench.rules.base_images | set(base_images)))
