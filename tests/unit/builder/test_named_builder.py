"""Builders that an app names: their plans and refusals. Their images come from a registry, which is not here."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from builder.sources.build_plan import BuildPlan, BuildPlanner
from builder.sources.source_tree import SourceTree
from slipway.core.build import dockerfile
from slipway.core.build.dockerfile_policy import Rules
from slipway.core.build.named.builders import BUILDERS
from slipway.core.build.named.railpack import PLAN_FILE
from slipway.core.build.templates.template import BaseImages
from slipway.errors import DeploymentFailed
from slipway.ports.building import BuildSpec
from tests.building_fakes import FakeImages

BASES = BaseImages("python", "python")
OF_BUILDPACKS = frozenset({BASES.buildpacks_builder, BASES.buildpacks_run})
ALL = OF_BUILDPACKS | {BASES.railpack}
CHOSEN = '[build]\nbuilder = "{}"\n'


def planner(local: frozenset[str] = ALL, major: int = 28) -> BuildPlanner:
    rules = Rules(frozenset({"python"}), frozenset({"docker/dockerfile"}))
    return BuildPlanner(rules, BASES, FakeImages(local=local), lambda: major)


def planned(root: Path, builder: str, variables: tuple[str, ...] = (), **how: frozenset[str] | int) -> BuildPlan:
    (root / "slipway.toml").write_text(CHOSEN.format(builder))
    (root / "Dockerfile").write_text("FROM python\n")
    return planner(**how).make(SourceTree(root), {}, {}, variables)  # type: ignore[arg-type]


def test_a_named_builder_goes_before_a_dockerfile_that_is_only_found(tmp_path: Path) -> None:
    plan = planned(tmp_path, "buildpacks")
    assert (plan.builder, plan.frontend) == ("buildpacks", "")
    assert plan.notes[0] == "[build] builder: buildpacks"
    assert plan.ignore == "**/.git\n"


def test_the_lifecycle_runs_as_the_builders_own_user_and_the_app_as_any_generated_one(tmp_path: Path) -> None:
    read = dockerfile.parse(planned(tmp_path, "buildpacks").dockerfile.encode())
    users = [each.arguments for each in read.instructions if each.keyword == "USER"]
    assert users == ["root", "${CNB_USER_ID}:${CNB_GROUP_ID}", "root", "10001:10001"]
    bases = [each.arguments for each in read.instructions if each.keyword == "FROM"]
    assert bases == ["heroku/builder:24 AS build", "heroku/heroku:24"]


def test_build_variables_reach_buildpacks_as_files_that_no_layer_keeps(tmp_path: Path) -> None:
    lines = planned(tmp_path, "buildpacks", ("TOKEN",)).dockerfile.splitlines()
    with_secret = [line for line in lines if "TOKEN" in line]
    mount = "RUN --mount=type=secret,id=TOKEN,target=/platform/env/TOKEN,mode=0444 /cnb/lifecycle/"
    assert [line.startswith(mount) for line in with_secret] == [True, True]


def test_railpack_leaves_a_plan_that_its_frontend_builds(tmp_path: Path) -> None:
    plan = planned(tmp_path, "railpack", ("TOKEN",))
    assert (plan.builder, plan.frontend) == ("railpack", BASES.railpack)
    assert '--env TOKEN="$(cat /run/secrets/TOKEN 2>/dev/null)"' in plan.dockerfile
    assert plan.dockerfile.endswith(f"COPY --from=plan /plan/{PLAN_FILE} /{PLAN_FILE}\n")


@pytest.mark.parametrize("builder", BUILDERS)
def test_an_image_that_can_not_be_had_is_named_with_what_to_do(tmp_path: Path, builder: str) -> None:
    with pytest.raises(DeploymentFailed) as failed:
        planned(tmp_path, builder, local=frozenset())
    image = BUILDERS[builder].wanted(BASES)[0]
    assert failed.value.reason == "builder-unavailable"
    assert f"takes the image {image}, which is not on this host" in failed.value.message
    assert failed.value.remedy.startswith(f"the host's owner makes it available: docker pull {image}\n")


def test_railpack_needs_an_engine_that_takes_frontends_for_json(tmp_path: Path) -> None:
    with pytest.raises(DeploymentFailed) as failed:
        planned(tmp_path, "railpack", major=20)
    assert failed.value.reason == "builder-unavailable"
    assert planned(tmp_path, "buildpacks", major=20).builder == "buildpacks"


@pytest.mark.parametrize(
    "beside", ['dockerfile = "Dockerfile"', 'target = "web"', 'args = {A = "1"}', '[static]\nroot = "."']
)
def test_a_builder_beside_something_else_that_says_how_to_build_is_refused(tmp_path: Path, beside: str) -> None:
    (tmp_path / "slipway.toml").write_text(CHOSEN.format("buildpacks") + beside)
    with pytest.raises(DeploymentFailed) as failed:
        planner().make(SourceTree(tmp_path), {}, {})
    assert failed.value.reason == "settings-invalid"
    assert "are both set" in failed.value.message


def test_a_builder_that_is_none_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(DeploymentFailed) as failed:
        planned(tmp_path, "nixpacks")
    assert failed.value.reason == "settings-invalid"


def spec(folder: Path) -> BuildSpec:
    arguments = {"BUILDKIT_CACHE_MOUNT_NS": "slipway-tenant-1"}
    dockerfile = folder / "Dockerfile"
    return BuildSpec("acme", 1, "shop", 1, 1, folder, dockerfile, "slipway/x:1", {}, arguments, shares="abc")


def left(folder: Path, *images: str) -> Path:
    inputs = [{"image": each} for each in images]
    (folder / PLAN_FILE).write_text(
        json.dumps({"steps": [{"inputs": inputs}], "deploy": {"base": {"image": "python"}}})
    )
    return folder


def test_a_plan_is_built_with_the_tenants_own_caches_and_secrets(tmp_path: Path) -> None:
    family = "ghcr.io/railwayapp/railpack-builder:mise-2026.9.12"
    builders = planner(ALL | {family}).named_builders
    made = builders.spec_of_plan(spec(tmp_path), left(tmp_path, family), BASES.railpack)
    assert made.arguments == {
        "BUILDKIT_CACHE_MOUNT_NS": "slipway-tenant-1",
        "BUILDKIT_SYNTAX": BASES.railpack,
        "cache-key": "slipway-tenant-1",
        "secrets-hash": "abc",
    }
    assert json.loads(made.dockerfile.read_text())["steps"]


@pytest.mark.parametrize("image", ["slipway/0123:abc", "docker.io/slipway/0123:abc", "other-app", "127.0.0.1:5000/x"])
def test_a_plan_reads_no_image_of_others(tmp_path: Path, image: str) -> None:
    builders = planner(ALL | {"other-app"}).named_builders
    with pytest.raises(DeploymentFailed) as failed:
        builders.spec_of_plan(spec(tmp_path), left(tmp_path, image), BASES.railpack)
    assert failed.value.reason == "dockerfile-refused"
    assert not (tmp_path / "Dockerfile").exists()


@pytest.mark.parametrize("content", ["", "[]", "[" * 100_000, '{"a":' * 60 + "1" + "}" * 60, " " * ((1 << 20) + 1)])
def test_what_is_no_plan_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / PLAN_FILE).write_text(content)
    with pytest.raises(DeploymentFailed) as failed:
        planner().named_builders.spec_of_plan(spec(tmp_path), tmp_path, BASES.railpack)
    assert failed.value.reason == "dockerfile-refused"


def test_a_link_is_no_plan(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("{}")
    (tmp_path / PLAN_FILE).symlink_to(tmp_path / "secret")
    with pytest.raises(DeploymentFailed):
        planner().named_builders.spec_of_plan(spec(tmp_path), tmp_path, BASES.railpack)


def test_another_frontend_of_the_owners_is_taken(tmp_path: Path) -> None:
    own = replace(BASES, railpack="registry.example/railpack-frontend:v9")
    made = replace(planner(frozenset({own.railpack})), base_images=own)
    (tmp_path / "slipway.toml").write_text(CHOSEN.format("railpack"))
    assert made.make(SourceTree(tmp_path), {}, {}).frontend == own.railpack
