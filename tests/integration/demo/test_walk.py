"""The demo goes a user's way: forge, app, hook, push, deployment, address; and says why when it can't."""

from __future__ import annotations

import io
import shutil
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from slipway.demo.calls import Calls
from slipway.demo.forge.process import ForgeProcess, port_for
from slipway.demo.progress import Progress
from slipway.demo.sample import EXAMPLES, Example
from slipway.demo.walk import Walk
from slipway.errors import DependencyUnavailable, DeploymentFailed, SlipwayError
from slipway.settings import Settings, load
from tests.fixtures.ports import free_port

from .platform import LIVE, TOKEN, FakePlatform, fake_platform


@pytest.fixture
def forge(tmp_path: Path) -> Iterator[ForgeProcess]:
    process = ForgeProcess(tmp_path / "state" / "demo" / "forge", free_port())
    yield process
    process.stop()


@pytest.fixture
def platform() -> Iterator[FakePlatform]:
    with fake_platform() as platform:
        yield platform


@pytest.fixture
def settings(tmp_path: Path, forge: ForgeProcess, platform: FakePlatform) -> Settings:
    forge.folder.mkdir(parents=True)
    (forge.folder / "token").write_text(TOKEN)
    return load(
        {
            "SLIPWAY_STATE_DIR": str(tmp_path / "state"),
            "SLIPWAY_PUBLIC_URL": platform.url,
            "SLIPWAY_GIT_HOSTS": f"public,127.0.0.1:{forge.port}",
        }
    )


def settings_with(settings: Settings, port: int) -> Settings:
    """The same, with a forge at another port allowed."""
    return replace(settings, git_hosts=("public", f"127.0.0.1:{port}"))


@pytest.fixture
def out() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def walk(settings: Settings, forge: ForgeProcess, out: io.StringIO) -> Walk:
    return Walk(settings, forge, Progress(out))


def test_the_first_run_sets_everything_up_and_names_the_address(
    walk: Walk, platform: FakePlatform, out: io.StringIO
) -> None:
    assert walk.run() == f"{platform.url}/"

    assert platform.version == "1"
    assert [line.split()[0] for line in out.getvalue().splitlines()] == [
        *("forge", "app", "hook", "hello", "delivery", "✔", "version")
    ]


def test_the_next_run_pushes_a_new_version_to_the_same_app_and_hook(
    walk: Walk, platform: FakePlatform, out: io.StringIO
) -> None:
    walk.run()
    pid = walk.forge.running()

    walk.run()

    assert platform.version == "2"
    assert len(platform.hooks) == 1
    assert walk.forge.running() == pid
    assert len({deployment["commit"] for deployment in platform.deployments}) == 2


def test_another_example_is_pushed_as_an_app_of_its_own(walk: Walk, platform: FakePlatform) -> None:
    walk.run()
    replace(walk, example=EXAMPLES["static"]).run()
    assert sorted(platform.apps) == ["hello", "static"]
    assert [hook["repository"].rpartition("/")[2] for hook in platform.hooks] == ["hello", "static"]


@pytest.mark.parametrize("example", EXAMPLES.values(), ids=lambda example: example.name)
def test_every_example_is_one_that_is_there(example: Example) -> None:
    assert (example.source / "README.md").is_file()


def test_a_platform_whose_address_has_changed_is_followed(walk: Walk, platform: FakePlatform, out: io.StringIO) -> None:
    walk.run()
    platform.hooks[0]["url"] = platform.hooks[0]["url"].replace("127.0.0.1", "localhost")
    walk.run()
    assert platform.version == "2"
    assert f"hook      {platform.hooks[0]['url']}, as the platform's address has changed" in out.getvalue()
    with Calls(walk.forge.url, walk.forge.admin_token) as forge:
        hooks = forge.get("/repos/demo/hello/hooks")
    assert [hook["config"]["url"] for hook in hooks] == [platform.hooks[0]["url"]]


def test_a_hook_that_the_forge_has_lost_gets_a_new_secret(walk: Walk, platform: FakePlatform) -> None:
    walk.run()
    shutil.rmtree(walk.forge.root)
    walk.forge.stop()
    walk.run()
    assert len(platform.hooks) == 1
    assert len(platform.deployments) == 2


def test_a_forge_that_has_moved_to_another_port_is_followed(
    walk: Walk, platform: FakePlatform, settings: Settings
) -> None:
    walk.run()
    walk.forge.stop()
    moved = ForgeProcess(walk.forge.folder, free_port())
    try:
        allowed = settings_with(settings, moved.port)
        replace(walk, forge=moved, settings=allowed).run()
    finally:
        moved.stop()
    assert platform.apps["hello"]["repository"] == f"http://127.0.0.1:{moved.port}/demo/hello.git"
    assert platform.version == "2"


def test_a_failed_deployment_is_reported_with_its_reason_remedy_and_output(walk: Walk, platform: FakePlatform) -> None:
    platform.outcome = LIVE | {
        "state": "failed",
        "reason": "start-probe-failed",
        "detail": "GET :8080/health answered 500",
        "meaning": "v1 (77ab0d1) serves on.",
        "remedy": "slipway logs --deployment 0",
        "tail": "KeyError: 'DATABASE_URL'",
    }

    with pytest.raises(DeploymentFailed, match=r"v1 \(77ab0d1\) serves on") as failed:
        walk.run()

    assert failed.value.reason == "start-probe-failed"
    assert failed.value.remedy == "slipway logs --deployment 0"
    assert failed.value.tail == "KeyError: 'DATABASE_URL'"


def test_a_delivery_that_is_refused_is_reported_with_the_answer(
    walk: Walk, platform: FakePlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("slipway.demo.walk.DELIVERY_TIMEOUT_S", 1.0)
    platform.delivery_status = 401

    with pytest.raises(DeploymentFailed, match=r"401.*so be it"):
        walk.run()


def test_live_is_believed_only_when_the_pushed_version_answers(
    walk: Walk, platform: FakePlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("slipway.demo.walk.ANSWER_TIMEOUT_S", 0.5)
    platform.serves = False

    with pytest.raises(DeploymentFailed, match="does not answer with version 1"):
        walk.run()


def test_a_platform_that_is_down_is_reported_with_what_to_do(walk: Walk, settings: Settings, out: io.StringIO) -> None:
    elsewhere = load({"SLIPWAY_PUBLIC_URL": "http://slipway.localhost:9", "SLIPWAY_GIT_HOSTS": settings.git_hosts[1]})

    with pytest.raises(DependencyUnavailable, match="does not answer") as down:
        Walk(elsewhere, walk.forge, Progress(out)).run()

    assert "make status" in down.value.remedy


def test_a_platform_that_may_not_fetch_from_the_forge_is_reported_before_anything_happens(
    walk: Walk, out: io.StringIO
) -> None:
    with pytest.raises(SlipwayError) as refused:
        Walk(load({}), walk.forge, Progress(out)).run()

    assert refused.value.remedy == f"start the platform with SLIPWAY_GIT_HOSTS=public,127.0.0.1:{walk.forge.port}"
    assert walk.forge.running() is None


def test_the_forge_outlives_who_started_it_and_is_started_once(forge: ForgeProcess) -> None:
    assert forge.start()
    pid = forge.running()

    assert not forge.start()
    assert forge.running() == pid
    assert forge.stop()
    assert forge.running() is None
    assert not forge.stop()


def test_a_taken_port_is_reported(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        process = ForgeProcess(tmp_path / "forge", taken.getsockname()[1])

        with pytest.raises(DependencyUnavailable, match="Address already in use") as refused:
            process.start()

    assert "make demo FORGE_PORT=N" in refused.value.remedy


def test_a_second_demo_takes_the_next_free_port_and_keeps_it(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        first = taken.getsockname()[1]
        port = port_for(tmp_path / "forge", first)
        assert port > first
        process = ForgeProcess(tmp_path / "forge", port)
        process.start()
        try:
            assert port_for(tmp_path / "forge", first) == port
        finally:
            process.stop()
