"""What `make remove` takes off the host, and what it leaves."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from slipway.adapters.firewall import install
from slipway.errors import HostUnready
from slipway.host.install.command_link import CommandLink
from slipway.host.processes.lifecycle import Platform
from slipway.host.removal import Removal
from slipway.settings import load
from tests.unit.host.host_fakes import FakeCommands

DOCKER = ("/usr/bin/docker", "--host", "unix:///var/run/docker.sock")


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> FakeCommands:
    monkeypatch.setattr("slipway.host.install.engine.engine_answers", lambda _: True)
    monkeypatch.setattr(install, "remove", lambda _: None)
    commands = FakeCommands()
    commands.answer("/usr/bin/docker", "--version", output="Docker version 20.10.24")
    commands.answer(*DOCKER, "ps", "--all", output="c1\nc2\n")
    commands.answer(*DOCKER, "images", "--quiet", output="i1\ni1\n")
    commands.answer(*DOCKER, "images", "--format", output="slipway/mine-pulled/0a:1\n")
    return commands


def removal(commands: FakeCommands, folder: Path, said: list[str]) -> Removal:
    link = CommandLink(folder, folder / "slipway")
    link.make()
    (folder / "state").mkdir()
    (folder / "slipway-mine").mkdir()
    values = {"STATE_DIR": str(folder / "state"), "INSTANCE": "mine", "SCRATCH_DIR": str(folder)}
    values["DOCKER_CLI"] = "/usr/bin/docker"
    settings = load({f"SLIPWAY_{name}": value for name, value in values.items()})
    return Removal(Platform(commands, settings, {}, folder, said.append), link)


def test_what_carries_the_installations_label_goes_and_the_state_stays(
    commands: FakeCommands, tmp_path: Path, said: list[str]
) -> None:
    removal(commands, tmp_path, said).run(state=False)

    listed = commands.ran_with("--filter", "label=slipway.instance=mine")
    assert {argv[3] for argv in listed} == {"ps", "volume", "network", "images"}
    assert [argv[3:] for argv in commands.ran_with("--")] == [
        ["rm", "--force", "--volumes", "--", "c1", "c2"],
        ["rmi", "--force", "--", "i1"],
        ["rmi", "--force", "--", "slipway/mine-pulled/0a:1"],
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["state"]
    assert said[-1] == f"kept: {tmp_path}/state, with the database and its keys"


@pytest.mark.parametrize("state", [True, False])
def test_apps_volumes_go_with_the_database_that_knows_them_and_else_stay(
    commands: FakeCommands, tmp_path: Path, said: list[str], state: bool
) -> None:
    commands.answer(*DOCKER, "volume", "ls", output="mine-shop-production-data-1\n")
    taken = removal(commands, tmp_path, said)
    where = taken.plan(state=state).partition("Stays")
    assert "every volume labelled slipway.instance=mine" in where[0 if state else 2]
    taken.run(state=state)
    removed = [argv for argv in commands.ran_with("--") if argv[3:5] == ["volume", "rm"]]
    assert [argv[6:] for argv in removed] == ([["--", "mine-shop-production-data-1"]] if state else [])
    kept = [line for line in said if line.startswith("kept: 1 volume")]
    assert len(kept) == (0 if state else 1)
    assert all("docker volume rm" in line for line in kept)


def test_the_engine_is_asked_to_end_four_containers_at_a_time(
    commands: FakeCommands, tmp_path: Path, said: list[str]
) -> None:
    commands.answer(*DOCKER, "ps", "--all", output="c1\nc2\nc3\nc4\nc5\n")
    removal(commands, tmp_path, said).run(state=False)
    ended = [argv[7:] for argv in commands.ran_with("--") if argv[3] == "rm"]
    assert ended == [["c1", "c2", "c3", "c4"], ["c5"]]
    assert "removed: 5 containers" in said


def test_what_went_is_counted_and_nothing_is_said_to_run_on(
    commands: FakeCommands, tmp_path: Path, said: list[str]
) -> None:
    removal(commands, tmp_path, said).run(state=False)
    assert [line for line in said if line.startswith("removed: ") and line[9].isdigit()] == [
        "removed: 2 containers",
        "removed: 1 image",
        "removed: 1 pulled image",
    ]
    assert "on, with nothing in front" not in "\n".join(said)


@pytest.mark.parametrize("url", ["http://slipway.localhost:8080", "http://elsewhere.localhost:8080"])
@pytest.mark.parametrize("state", [True, False])
def test_the_login_at_this_installation_goes_with_its_state_and_no_other(
    commands: FakeCommands, tmp_path: Path, said: list[str], url: str, state: bool
) -> None:
    taken = removal(commands, tmp_path, said)
    login = tmp_path / "config" / "login.json"
    login.parent.mkdir()
    login.write_text(json.dumps({"url": url, "token": "slw_x"}))
    here = "slipway.localhost" in url
    taken = replace(taken, platform=replace(taken.platform, environment={"SLIPWAY_CONFIG_DIR": str(login.parent)}))
    assert (str(login) in taken.plan(state=state)) is (state and here)
    taken.run(state=state)
    assert login.exists() is not (state and here)
    assert ("slipway logout forgets it" in said[-1]) is (here and not state)


def test_with_state_nothing_is_left(commands: FakeCommands, tmp_path: Path, said: list[str]) -> None:
    taken = removal(commands, tmp_path, said)
    assert f"{tmp_path}/state, with the database" in taken.plan(state=True)
    taken.run(state=True)
    assert list(tmp_path.iterdir()) == []


def test_who_is_not_root_removes_nothing(tmp_path: Path, said: list[str]) -> None:
    commands = FakeCommands(root=False)
    with pytest.raises(HostUnready):
        removal(commands, tmp_path, said).run(state=True)
    assert commands.ran == []


def test_where_no_demo_came_along_none_is_stopped(
    commands: FakeCommands, tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the images, for one."""
    monkeypatch.setattr("slipway.host.removal.find_spec", lambda _: None)
    removal(commands, tmp_path, said).run(state=False)
    assert commands.ran_with("slipway.demo") == []
    assert said[-1].startswith("kept")


def test_a_state_that_is_gone_is_not_said_to_go_once_more(
    commands: FakeCommands, tmp_path: Path, said: list[str]
) -> None:
    taken = removal(commands, tmp_path, said)
    assert str(tmp_path / "state") in taken.plan(state=True)
    taken.run(state=True)
    assert str(tmp_path / "state") not in taken.plan(state=True)
    said.clear()
    taken.run(state=True)
    assert not [line for line in said if str(tmp_path) in line]


def test_a_network_that_the_engine_still_gives_to_a_container_is_tried_again(
    commands: FakeCommands, tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("slipway.host.removal._PAUSE_S", 0)
    codes = iter([1, 1, 0])
    commands.answer(*DOCKER, "network", "ls", output="n1\n")
    commands.answer_by(lambda _: next(codes), *DOCKER, "network", "rm")

    removal(commands, tmp_path, said).run(state=False)

    assert "removed: 1 network" in said
    assert next(codes, None) is None


def test_what_can_not_be_removed_is_an_error_in_the_end(
    commands: FakeCommands, tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("slipway.host.removal._PAUSE_S", 0)
    commands.answer(*DOCKER, "network", "ls", output="n1\n")
    commands.answer_by(lambda _: 1, *DOCKER, "network", "rm")

    with pytest.raises(HostUnready):
        removal(commands, tmp_path, said).run(state=True)

    assert (tmp_path / "state").exists()


def test_an_empty_network_that_the_engine_takes_for_used_is_reported_and_holds_nothing_up(
    commands: FakeCommands, tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("slipway.host.removal._PAUSE_S", 0)
    commands.answer(*DOCKER, "network", "ls", output="n1\n")
    commands.answer(*DOCKER, "network", "inspect", output="0\n")
    commands.answer_by(lambda _: 1, *DOCKER, "network", "rm")

    removal(commands, tmp_path, said).run(state=True)

    assert any("after a restart of the Engine: docker network rm n1" in line for line in said)
    assert not (tmp_path / "state").exists()
