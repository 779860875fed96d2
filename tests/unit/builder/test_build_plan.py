"""From files to a checked Dockerfile."""

from __future__ import annotations

from pathlib import Path

import pytest

from builder.sources.build_plan import BuildPlan, BuildPlanner
from builder.sources.source_tree import SourceTree
from slipway.core.build import detection
from slipway.core.build.dockerfile_policy import Rules
from slipway.core.build.templates.template import BaseImages
from slipway.errors import DeploymentFailed
from tests.building_fakes import FakeImages

RULES = Rules(frozenset({"python"}), frozenset({"docker/dockerfile"}))


def make(root: Path, *, local: frozenset[str] = frozenset(), major: int = 20, **files: str) -> BuildPlan:
    for name, text in files.items():
        path = root / name.replace("___", "/").replace("__", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    build_planner = BuildPlanner(RULES, BaseImages("python", "python"), FakeImages(local=local), lambda: major)
    return build_planner.make(SourceTree(root), {}, {})


def refused(root: Path, **files: str) -> DeploymentFailed:
    with pytest.raises(DeploymentFailed) as failure:
        make(root, **files)
    return failure.value


@pytest.mark.parametrize(
    "image", ["127.0.0.1:5000/x", "localhost:80/a/b:1", "10.0.0.1/x", "169.254.169.254/x@sha256:" + "a" * 64]
)
@pytest.mark.parametrize(
    "line", ["FROM {}", "FROM python\nCOPY --from={} /a /a", "FROM python\nRUN --mount=from={} id"]
)
def test_a_registry_inside_is_no_source_of_images(tmp_path: Path, image: str, line: str) -> None:
    failed = refused(tmp_path, Dockerfile=f"{line.format(image)}\n")
    assert (failed.reason, "inside this host or network" in failed.message) == ("dockerfile-refused", True)
    assert "SLIPWAY_REGISTRIES=public," in failed.remedy


def test_a_registry_inside_that_the_owner_lists_is_one(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM 127.0.0.1:5000/x\n")
    rules = Rules(RULES.base_images, RULES.frontends, ("127.0.0.1:5000",))
    build_planner = BuildPlanner(rules, BaseImages("python", "python"), FakeImages(local=frozenset()), lambda: 20)
    assert build_planner.make(SourceTree(tmp_path), {}, {}).dockerfile == "FROM 127.0.0.1:5000/x\n"


def test_the_contexts_dockerfile_is_taken(tmp_path: Path) -> None:
    build_plan = make(tmp_path, Dockerfile="FROM python\n", slipway__toml="port = 9000\n")
    assert (build_plan.builder, build_plan.dockerfile, build_plan.ignore) == ("dockerfile", "FROM python\n", None)
    assert build_plan.file_settings == {"port": 9000}
    assert build_plan.context == tmp_path


def test_settings_name_dockerfile_context_and_target(tmp_path: Path) -> None:
    build_plan = make(
        tmp_path,
        slipway__toml='[build]\ncontext = "services/api"\ndockerfile = "docker/api"\ntarget = "web"\n',
        docker___api="FROM python AS web\n",
        docker___api__dockerignore="secret\n",
        services___api___app__py="",
    )
    assert build_plan.context == tmp_path / "services/api"
    assert (build_plan.target, build_plan.ignore) == ("web", "secret\n")


def test_a_dockerfile_in_the_context_folder_is_found(tmp_path: Path) -> None:
    build_plan = make(tmp_path, slipway__toml='[build]\ncontext = "api"\n', api___Dockerfile="FROM python\nUSER 7\n")
    assert "USER 7" in build_plan.dockerfile


@pytest.mark.parametrize("name", ["dockerfile", "DOCKERFILE", "DockerFile"])
def test_a_dockerfile_counts_in_any_case(tmp_path: Path, name: str) -> None:
    build_plan = make(
        tmp_path, **{name: "FROM python\nUSER 7\n", "index__html": "", f"{name}__dockerignore": "secret\n"}
    )
    assert (build_plan.builder, build_plan.ignore) == ("dockerfile", "secret\n")
    assert "USER 7" in build_plan.dockerfile


def test_of_two_dockerfiles_the_usual_spelling_is_built_and_the_log_says_so(tmp_path: Path) -> None:
    build_plan = make(tmp_path, Dockerfile="FROM python\nUSER 1\n", dockerfile="FROM python\nUSER 2\n")
    assert "USER 1" in build_plan.dockerfile
    assert build_plan.notes == ("Dockerfile is built; dockerfile is ignored",)
    (tmp_path / "Dockerfile").unlink()
    (tmp_path / "DOCKERFILE").write_text("FROM python\nUSER 3\n")
    assert "USER 2" in make(tmp_path).dockerfile


def test_of_two_unusual_spellings_neither_is_guessed(tmp_path: Path) -> None:
    failure = refused(tmp_path, DOCKERFILE="FROM python\n", DockerFile="FROM python\n")
    assert failure.reason == "dockerfile-refused"
    assert "DOCKERFILE and DockerFile" in failure.message


def test_a_folder_that_is_called_dockerfile_is_none(tmp_path: Path) -> None:
    assert make(tmp_path, dockerfile___notes__md="", index__html="").builder == "static"


def test_a_named_folder_is_published_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "docs/out").mkdir(parents=True)
    (tmp_path / "docs/out/.dockerignore").write_text("drafts\n!config.php\n")
    build_plan = make(
        tmp_path,
        slipway__toml='[static]\nroot = "docs/out"\n',
        Dockerfile="FROM python\n",
        package__json="{}",
        docs___out___index__html="",
        docs___out___example__py="",
    )
    assert (build_plan.builder, build_plan.context) == ("static", tmp_path / "docs/out")
    assert 'COPY [".", "/site/"]' in build_plan.dockerfile
    assert any(note.endswith("example.py") for note in build_plan.notes)
    assert build_plan.ignore is not None
    lines = build_plan.ignore.splitlines()
    assert lines.index("!config.php") < lines.index("**/*.[pP][hH][pP]"), "what is never served can't be let in again"
    assert lines.index("!**/.well-known") < lines.index("drafts"), "what the site leaves out stays out"


def test_a_setting_of_the_app_names_the_folder_too(tmp_path: Path) -> None:
    (tmp_path / "public").mkdir()
    build_planner = BuildPlanner(RULES, BaseImages("python", "python"), FakeImages(), lambda: 20)
    assert build_planner.make(SourceTree(tmp_path), {"static": {"root": "public"}}, {}).builder == "static"


def test_a_byte_order_mark_hides_nothing(tmp_path: Path) -> None:
    build_plan = make(
        tmp_path,
        slipway__toml="\ufeffport = 9000\n",
        Procfile="\ufeffweb: start\n",
        pyproject__toml='\ufeff[project]\nname = "x"\nversion = "1"\n',
    )
    assert build_plan.file_settings == {"port": 9000}
    assert set(build_plan.processes) == {"web"}


def test_requirements_in_utf_16_are_read(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("-r base.txt\n", encoding="utf-16")
    assert 'COPY ["requirements.txt"' not in make(tmp_path, Procfile="web: x\n").dockerfile


def test_a_large_script_of_the_browsers_is_passed_over(tmp_path: Path) -> None:
    assert make(tmp_path, index__html="", main__js="x" * (2 << 20)).builder == "static"


def test_a_large_script_shows_what_it_is_by_its_beginning(tmp_path: Path) -> None:
    failure = refused(tmp_path, index__html="", lib___start__js="const a = require('ws')\n" + "x" * (2 << 20))
    assert "a Node project (lib/start.js)" in failure.message
    assert "(bin/www)" in refused(tmp_path, lib___start__js="", bin___www="#!/usr/bin/env node\n").message


def test_a_link_is_not_followed_for_its_content(tmp_path: Path) -> None:
    (tmp_path / "outside.js").write_text("const a = require('ws')\n")
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "app.js").symlink_to(tmp_path / "outside.js")
    assert make(tmp_path / "tree", index__html="").builder == "static"
    assert SourceTree(tmp_path / "tree").beginning("app.js", 10) is None


def test_without_a_dockerfile_the_sources_are_recognised(tmp_path: Path) -> None:
    build_plan = make(tmp_path, requirements__txt="flask\n", Procfile="web: x\n", __dockerignore="docs\n")
    assert build_plan.builder == "python"
    assert build_plan.ignore is not None
    assert build_plan.ignore.endswith("docs\n")
    assert set(build_plan.processes) == {"web"}
    assert any("recognised: python" in note for note in build_plan.notes)


@pytest.mark.parametrize(
    ("reason", "files"),
    [
        ("settings-invalid", {"slipway__toml": "prot = 1\n", "Dockerfile": "FROM python\n"}),
        ("settings-invalid", {"slipway__toml": '[build]\ncontext = "nowhere"\n'}),
        ("settings-invalid", {"slipway__toml": '[build]\ncontext = "../.."\n'}),
        ("dockerfile-missing", {"slipway__toml": '[build]\ndockerfile = "nowhere"\n'}),
        ("dockerfile-refused", {"Dockerfile": "FROM slipway/x\n"}),
        ("dockerfile-refused", {"Dockerfile": "nonsense\n"}),
        ("dockerfile-refused", {"Dockerfile": "# syntax=evil/x\nFROM python\n"}),
        ("dockerfile-refused", {"Dockerfile": "# syntax=docker/dockerfile:1\nFROM python\nRUN <<E\nE\n"}),
        ("settings-invalid", {"slipway__toml": '[static]\nroot = "nowhere"\n'}),
        ("settings-invalid", {"slipway__toml": '[static]\nroot = "a"\n[build]\ndockerfile = "b"\n', "a___x": ""}),
        ("not-recognised", {"README__md": "hello"}),
        ("not-recognised", {"index__html": "", "config__php": ""}),
    ],
)
def test_what_can_not_be_built_says_why_and_what_to_do(tmp_path: Path, reason: str, files: dict[str, str]) -> None:
    failure = refused(tmp_path, **files)
    assert failure.reason == reason
    assert failure.message
    assert failure.remedy


def test_an_image_of_the_host_is_refused_and_one_of_a_registry_is_not(tmp_path: Path) -> None:
    source = {"Dockerfile": "FROM acme/base\n"}
    assert make(tmp_path, **source).builder == "dockerfile"
    with pytest.raises(DeploymentFailed, match="line 1: acme/base is an image on this host"):
        make(tmp_path, local=frozenset({"acme/base"}), **source)


def test_an_allowed_frontend_is_used_where_it_is_and_left_out_where_not(tmp_path: Path) -> None:
    source = {"Dockerfile": "# syntax=docker/dockerfile:1\nFROM python\n"}
    there = make(tmp_path, local=frozenset({"docker/dockerfile:1"}), **source)
    assert there.dockerfile.startswith("# syntax=docker/dockerfile:1\n")
    absent = make(tmp_path, **source)
    assert "syntax" not in absent.dockerfile
    assert any("not available" in note for note in absent.notes)


def test_a_newer_engine_reads_heredocs_by_itself(tmp_path: Path) -> None:
    assert "<<E" in make(tmp_path, major=24, Dockerfile="FROM python\nRUN <<E\ntrue\nE\n").dockerfile


# build arguments

ARGS = '[build.args]\nVERSION = "3.12"\n'


def test_build_arguments_reach_a_dockerfile(tmp_path: Path) -> None:
    build_plan = make(tmp_path, Dockerfile="ARG VERSION\nFROM python\n", slipway__toml=ARGS)
    assert build_plan.arguments == {"VERSION": "3.12"}
    assert build_plan.notes == ()


def test_an_image_that_a_build_argument_names_is_checked(tmp_path: Path) -> None:
    given = '[build.args]\nBASE = "secret:1"\n'
    files = {"Dockerfile": "ARG BASE=python\nFROM ${BASE}\n", "slipway__toml": given}
    with pytest.raises(DeploymentFailed, match="secret:1 is an image on this host"):
        make(tmp_path, local=frozenset({"secret:1"}), **files)


@pytest.mark.parametrize("name", ["BUILDKIT_SYNTAX", "buildkit_cache_mount_ns", "TARGETPLATFORM", "A-B", "1A"])
def test_what_is_buildkits_own_or_no_name_is_no_build_argument(tmp_path: Path, name: str) -> None:
    failed = refused(tmp_path, Dockerfile="FROM python\n", slipway__toml=f'[build.args]\n"{name}" = "x"\n')
    assert (failed.reason, name in failed.message) == ("settings-invalid", True)


@pytest.mark.parametrize("value", ["3", "true", '"a\\nb"', '"a\\u0000"'])
def test_a_build_argument_is_one_line_of_text(tmp_path: Path, value: str) -> None:
    failed = refused(tmp_path, Dockerfile="FROM python\n", slipway__toml=f"[build.args]\nA = {value}\n")
    assert (failed.reason, "build.args.A" in failed.message) == ("settings-invalid", True)


def test_a_build_argument_that_is_called_a_secret_is_pointed_out(tmp_path: Path) -> None:
    build_plan = make(tmp_path, Dockerfile="FROM python\n", slipway__toml='[build.args]\nNPM_TOKEN = "x"\nA = "y"\n')
    [note] = build_plan.notes
    assert "NPM_TOKEN stays readable in the image" in note


def test_a_build_without_a_dockerfile_says_that_it_takes_no_arguments(tmp_path: Path) -> None:
    build_plan = make(tmp_path, index__html="<p>", slipway__toml=ARGS)
    assert build_plan.arguments == {}
    assert "nothing takes [build] args" in build_plan.notes[0]


@pytest.mark.parametrize("line", ["COPY --from=slipway/shop:1 a b", "FROM other/image", "RUN --network=host id"])
def test_a_generated_dockerfile_is_checked_as_well(tmp_path: Path, line: str) -> None:
    (tmp_path / "index.php").touch()
    bases = BaseImages("python", "python", php=f"php\n{line}")
    planner = BuildPlanner(RULES, bases, FakeImages(local=frozenset()), lambda: 20)
    with pytest.raises(DeploymentFailed, match="the Dockerfile that was generated is refused") as failed:
        planner.make(SourceTree(tmp_path), {}, {})
    assert failed.value.reason == "not-recognised"


@pytest.mark.parametrize("error", [ValueError, TypeError, AttributeError, RecursionError, KeyError, IndexError])
def test_what_no_template_foresaw_is_no_internal_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def fail(*_: object) -> None:
        raise error("for the owner alone")

    monkeypatch.setattr(detection, "detect", fail)
    failed = refused(tmp_path, index__html="")
    assert (failed.reason, failed.message) == (
        "not-recognised",
        "a manifest of the repository holds something that can't be read",
    )
