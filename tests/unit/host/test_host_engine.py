from __future__ import annotations

from pathlib import Path

import pytest

from slipway.errors import HostUnready
from slipway.host.install.engine import Engine, pick_client
from slipway.host.install.images import Images
from slipway.settings import load
from tests.unit.host.host_fakes import FakeCommands

WITHOUT_BUILDX = "/usr/local/bin/docker"
CLASSIC = "/usr/bin/docker"
DOCKER = ("docker", "--host", "unix:///x.sock")


def clients(**versions: str) -> FakeCommands:
    commands = FakeCommands(WITHOUT_BUILDX, CLASSIC)
    for path, version in {WITHOUT_BUILDX: versions["local"], CLASSIC: versions["debian"]}.items():
        commands.answer(path, "buildx", code=1, output="docker: 'buildx' is not a docker command")
        commands.answer(path, "--version", output=f"Docker version {version}, build 1")
    return commands


def test_a_client_without_buildx_is_passed_over_for_one_that_has_buildkit_built_in() -> None:
    assert pick_client(load({}), clients(local="28.2.2", debian="20.10.24+dfsg1")) == CLASSIC


def test_a_newer_client_with_buildx_is_taken() -> None:
    commands = clients(local="28.2.2", debian="28.2.2")
    commands.answer(WITHOUT_BUILDX, "buildx", output="buildx v0.29")
    assert pick_client(load({}), commands) == WITHOUT_BUILDX


def test_no_able_client_is_an_error_that_names_those_it_tried() -> None:
    with pytest.raises(HostUnready, match=f"{CLASSIC}, {WITHOUT_BUILDX}"):
        pick_client(load({}), clients(local="28.2.2", debian="24.0.1"))


def test_the_client_that_the_settings_name_is_not_replaced_silently() -> None:
    settings = load({"SLIPWAY_DOCKER_CLI": WITHOUT_BUILDX})
    with pytest.raises(HostUnready, match="SLIPWAY_DOCKER_CLI"):
        pick_client(settings, clients(local="28.2.2", debian="20.10.24"))


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Engine, FakeCommands, list[bool]]:
    """An engine whose answers are taken from a list."""
    answers: list[bool] = []
    monkeypatch.setattr("slipway.host.install.engine.engine_answers", lambda _: answers.pop(0))
    commands = FakeCommands("dockerd", "systemctl")
    settings = load({"SLIPWAY_STATE_DIR": str(tmp_path), "SLIPWAY_DOCKER_HOST": "unix:///x.sock"})
    return Engine(commands, settings, systemd=tmp_path / "systemd"), commands, answers


def test_an_engine_that_runs_is_left_alone(engine: tuple[Engine, FakeCommands, list[bool]]) -> None:
    one, commands, answers = engine
    answers += [True]
    assert not one.ensure()
    assert commands.ran == commands.started == []


def test_where_systemd_is_absent_the_engine_is_started_by_hand(engine: tuple[Engine, FakeCommands, list[bool]]) -> None:
    one, commands, answers = engine
    answers += [False, True]
    assert one.ensure()
    assert commands.started == [["dockerd", "--live-restore", "--host", "unix:///x.sock"]]


def test_where_systemd_runs_it_starts_the_engine(
    engine: tuple[Engine, FakeCommands, list[bool]], tmp_path: Path
) -> None:
    one, commands, answers = engine
    (tmp_path / "systemd").mkdir()
    answers += [False, True]
    assert one.ensure()
    assert commands.ran == [["systemctl", "start", "docker"]]
    assert commands.started == []


def test_an_engine_elsewhere_is_never_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slipway.host.install.engine.engine_answers", lambda _: False)
    commands = FakeCommands("dockerd")
    settings = load({"SLIPWAY_STATE_DIR": str(tmp_path), "SLIPWAY_DOCKER_HOST": "tcp://builder:2375"})
    with pytest.raises(HostUnready, match="tcp://builder:2375"):
        Engine(commands, settings).ensure()
    assert commands.started == []


@pytest.fixture
def registry(tmp_path: Path) -> tuple[Images, FakeCommands]:
    commands = FakeCommands("docker")
    commands.answer(*DOCKER, "image", "inspect", code=1)
    return Images(commands, "docker", "unix:///x.sock", tmp_path), commands


def test_nothing_is_made_where_a_registry_answers(registry: tuple[Images, FakeCommands]) -> None:
    images, commands = registry
    assert images.to_make() == []
    assert len(commands.ran_with("pull")) == 1


def test_the_registrys_answer_is_kept(registry: tuple[Images, FakeCommands]) -> None:
    images, commands = registry
    commands.answer(*DOCKER, "pull", code=1)
    assert images.to_make() == images.to_make() == ["debian:bookworm-slim", "python:3.11-slim"]
    assert len(commands.ran_with("pull")) == 1


def test_images_that_are_there_are_not_asked_for(registry: tuple[Images, FakeCommands]) -> None:
    images, commands = registry
    commands.answer(*DOCKER, "image", "inspect")
    assert images.to_make() == []
    assert not commands.ran_with("pull")


def test_making_images_needs_debootstrap_and_says_so(registry: tuple[Images, FakeCommands]) -> None:
    images, _ = registry
    with pytest.raises(HostUnready, match="debootstrap"):
        images.make(["debian:bookworm-slim"])
