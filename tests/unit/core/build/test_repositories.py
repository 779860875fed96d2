"""What becomes of many small repositories, by language: which template, which steps, or which refusal."""

from __future__ import annotations

import json
import shlex
from collections import Counter
from dataclasses import fields
from pathlib import Path

import pytest

from builder.dependencies import base_images
from builder.sources.build_plan import BuildPlan, BuildPlanner
from builder.sources.source_tree import SourceTree
from slipway import settings
from slipway.core.build import dockerfile
from slipway.core.build.dockerfile_policy import Rules
from slipway.errors import DeploymentFailed
from tests.building_fakes import FakeImages
from tests.fixtures.repositories import SmallRepository, rows

ROWS = rows()
SETTINGS = settings.load({})
IMAGES = base_images(SETTINGS)


def planned(row: SmallRepository, root: Path) -> BuildPlan:
    row.write(root)
    defaults = [image for each in fields(IMAGES) if isinstance(image := getattr(IMAGES, each.name), str)]
    rules = Rules(frozenset(SETTINGS.base_images), frozenset(SETTINGS.frontends))
    planner = BuildPlanner(rules, IMAGES, FakeImages(local=frozenset({*defaults, *row.images})), lambda: 20)
    return planner.make(SourceTree(root), {}, {}, row.variables)


def test_every_row_has_a_name_of_its_own() -> None:
    assert [name for name, times in Counter(map(str, ROWS)).items() if times > 1] == []


@pytest.mark.parametrize("row", [row for row in ROWS if row.refused], ids=str)
def test_what_can_not_be_built_is_refused_with_its_remedy(row: SmallRepository, tmp_path: Path) -> None:
    with pytest.raises(DeploymentFailed) as refused:
        planned(row, tmp_path)
    assert row.refused in refused.value.message
    assert row.remedy
    assert row.remedy in refused.value.remedy


@pytest.mark.parametrize("row", [row for row in ROWS if not row.refused], ids=str)
def test_a_small_repository_is_built_as_it_should_be(row: SmallRepository, tmp_path: Path) -> None:
    made = planned(row, tmp_path)
    assert made.builder == row.template
    instructions = dockerfile.parse(made.dockerfile.encode()).instructions
    if row.base:
        assert [each.arguments for each in instructions if each.keyword == "FROM"][-1] == row.base
    if row.command:
        assert instructions[-1].keyword == "CMD"
        assert row.command == json.loads(instructions[-1].arguments)[-1]
    _assert_in_order(row.steps, made.dockerfile)
    assert [part for part in row.without if part in made.dockerfile] == []
    if row.processes:
        assert sorted(row.processes) == sorted(made.processes)
    assert [part for part in row.notes if not any(part in note for note in made.notes)] == [], made.notes
    assert all(shlex.split(line) for line in made.processes.values())


@pytest.mark.parametrize("row", [row for row in ROWS if not row.refused and row.template != "dockerfile"], ids=str)
def test_no_generated_image_runs_as_root(row: SmallRepository, tmp_path: Path) -> None:
    users = [line for line in planned(row, tmp_path).dockerfile.splitlines() if line.startswith("USER ")]
    assert users[-1:] == ["USER 10001:10001"]


def _assert_in_order(parts: tuple[str, ...], text: str) -> None:
    position = 0
    for part in parts:
        found = text.find(part, position)
        assert found >= 0, f"{part!r} is not there, or not in its place, in:\n{text}"
        position = found + len(part)
