"""What a generated Dockerfile gives Cloud Native Buildpacks, on the real Engine: a stand-in of the lifecycle looks at
it. Their own images are not to be had here, so that nothing is said about builds with these."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from slipway.ports.building import BuildSpec
from tests.fixtures.engine import EnginePart
from tests.integration.build.conftest import BASE, Bench, never

pytestmark = pytest.mark.engine
LIFECYCLE = {
    "Dockerfile": f"FROM {BASE}\nENV CNB_USER_ID=1001 CNB_GROUP_ID=1000\nCOPY . /cnb/lifecycle/\n",
    "detector": """#!/bin/sh -eu
[ "$(id -u):$(id -g)" = 1001:1000 ]
[ "$CNB_PLATFORM_API" = 0.9 ]
[ "$*" = "-app /workspace -layers /layers -platform /platform" ]
[ "$(cat /platform/env/TOKEN)" = "a secret" ]
touch /workspace/.writable
echo found > /layers/group.toml
""",
    "builder": """#!/bin/sh -eu
cat /layers/group.toml
mkdir -p /layers/bp/run /layers/bp/tool
cp /platform/env/TOKEN /layers/bp/tool/
printf '[types]\\nlaunch = true\\n' > /layers/bp/run.toml
printf '[types]\\nbuild = true\\n' > /layers/bp/tool.toml
""",
    "launcher": """#!/bin/sh
case "$0" in */process/web) exec /workspace/start;; esac
shift
exec "$@"
""",
}


@pytest.fixture(scope="module")
def lifecycle(part: EnginePart, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An image with programs where a builder has those of the lifecycle."""
    folder = tmp_path_factory.mktemp("lifecycle")
    for name, text in LIFECYCLE.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    image = f"lifecycle-stand-in:{time.time_ns()}"
    docker(part, "build", "--quiet", "--tag", image, str(folder))
    yield image
    docker(part, "image", "rm", "--force", image)


def docker(part: EnginePart, *arguments: str) -> None:
    environment = {"DOCKER_BUILDKIT": "1", "DOCKER_HOST": part.settings.docker_host}
    done = subprocess.run([part.cli, *arguments], env=environment, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_lifecycle_gets_what_it_needs_and_the_image_what_it_leaves(
    bench: Bench, lifecycle: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = replace(bench.settings, buildpacks_builder_image=lifecycle, buildpacks_run_image=BASE)
    monkeypatch.setattr(bench.part, "settings", settings)
    files = {
        "slipway.toml": '[build]\nbuilder = "buildpacks"\n',
        "start": "#!/bin/sh\nid -u; ls /layers/bp; readlink /cnb/process/web\n",
    }

    def executable(source: Path) -> None:
        (source / "start").chmod(0o755)

    built = bench.build(files, hidden={"TOKEN": "a secret"}, write=executable)
    assert (built.user, built.exposed_port) == ("10001:10001", 8000)
    said = bench.docker("run", "--rm", "--read-only", bench.image).split()
    assert said == ["10001", "run", "run.toml", "tool.toml", "/cnb/lifecycle/launcher"]
    assert bench.docker("run", "--rm", bench.image, "echo", "a", "command") == "a command"
    bench.images.remove_image(bench.image)


def test_a_build_leaves_files_in_a_folder(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    (tmp_path / "made").mkdir()
    dockerfile = tmp_path / "Dockerfile"
    made = f"FROM {BASE} AS plan\nRUN echo {time.time_ns()} > /plan.json\n"
    dockerfile.write_text(f"{made}FROM scratch\nCOPY --from=plan /plan.json /\n")
    spec = BuildSpec(
        tenant="acme",
        tenant_id=1,
        app="shop",
        app_id=1,
        deployment_id=1,
        context=tmp_path / "source",
        dockerfile=dockerfile,
        image="slipway/x:none",
        labels={"slipway.instance": bench.settings.instance},
        arguments={},
        shares="a" * 40,
    )
    bench.images.export(spec, tmp_path / "made", output=bench.lines.append, stopped=never, timeout_s=120)
    assert [each.name for each in (tmp_path / "made").iterdir()] == ["plan.json"]
    assert not bench.images.local_image("slipway/x:none")
