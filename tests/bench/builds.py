"""Builds of small repositories in several languages: cold, after a change of a source, and of the same files again."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping
from dataclasses import replace

from slipway.adapters.buildkit.cgroup import Caps
from slipway.adapters.buildkit.image_builder import BuildKit
from slipway.adapters.docker import cli
from slipway.core.build.dockerfile_policy import Rules
from tests.bench.measuring import Row
from tests.fixtures.engine import EnginePart, engine_part, have_base_images
from tests.fixtures.repositories import SmallRepository, rows
from tests.integration.build.conftest import Bench

LANGUAGES = ("python", "node", "go", "php", "ruby", "java")
SOURCES = (".py", ".js", ".go", ".php", ".rb", ".java")
ROUNDS = 3
LONGEST_S = 600


def measure() -> list[Row]:
    """A row for each language, with the medians. Base images are here before; a tenant that never built before has no
    step and no package in any cache."""
    with engine_part() as part:
        bench = _bench(part)
        have_base_images(part.settings, LANGUAGES)
        return [_row(bench, language) for language in LANGUAGES]


def _bench(part: EnginePart) -> Bench:
    settings = part.settings
    images = BuildKit(cli.pick_client(), settings.docker_host, settings.state_dir, Caps(4 << 30), 1 << 20)
    return Bench(part, images, Rules(frozenset(settings.base_images), frozenset(settings.frontends)))


def _row(bench: Bench, language: str) -> Row:
    repository = next(row for row in rows() if row.language == language and row.answers)
    cold, changed, same = zip(*(_round(bench, repository, number) for number in range(ROUNDS)), strict=True)
    medians = " · ".join(f"{statistics.median(times):.1f} s" for times in (cold, changed, same))
    return Row(f"build in {language}: cold · a source changed · the same files", medians, "", None)


def _round(bench: Bench, repository: SmallRepository, number: int) -> tuple[float, float, float]:
    tenant = f"{repository.language}-{number}"
    changed = replace(repository, files=_changed(repository.files))
    return (
        _seconds(bench, repository, tenant),
        _seconds(bench, changed, tenant),
        _seconds(bench, changed, tenant),
    )


def _changed(files: Mapping[str, str]) -> dict[str, str]:
    return {name: f"{text}\n" if name.endswith(SOURCES) else text for name, text in files.items()}


def _seconds(bench: Bench, repository: SmallRepository, tenant: str) -> float:
    began = time.perf_counter()
    bench.build({}, write=repository.write, tenant=tenant, timeout_s=LONGEST_S)
    return time.perf_counter() - began
