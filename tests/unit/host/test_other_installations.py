"""A second installation on a host: named before anything starts, with how to go on."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from slipway.errors import HostUnready
from slipway.host.processes import other_installations
from slipway.host.processes.other_installations import OtherInstallation, RunBy
from slipway.settings import Settings, load

NEXT = "10.211.0.0/16"
AGENT = ("python", "-m", "builder.agent")


class Processes:
    """A stand-in for /proc."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._in_namespace(folder / "self", "mnt:[1]")

    def add(self, checkout: str, *argv: str, **settings: str) -> Path:
        process = self.folder / str(100 + len(list(self.folder.iterdir())))
        process.mkdir()
        variables = {"PATH": "/bin"} | {f"SLIPWAY_{name.upper()}": value for name, value in settings.items()}
        (process / "cmdline").write_text("".join(f"{each}\0" for each in argv))
        (process / "environ").write_text("".join(f"{name}={value}\0" for name, value in variables.items()))
        (process / "cwd").symlink_to(checkout)
        (process / "cgroup").write_text("0::/user.slice/user-0.slice/session-1.scope\n")
        self._in_namespace(process, "mnt:[1]")
        return process

    def add_in_container(self, checkout: str, *argv: str, **settings: str) -> None:
        process = self.add(checkout, *argv, **settings)
        (process / "cgroup").write_text("0::/system.slice/docker-4711.scope\n")
        (process / "ns" / "mnt").unlink()
        self._in_namespace(process, "mnt:[2]")

    def _in_namespace(self, process: Path, name: str) -> None:
        (process / "ns").mkdir(parents=True, exist_ok=True)
        (process / "ns" / "mnt").symlink_to(name)


@pytest.fixture
def processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Processes:
    monkeypatch.setattr(other_installations, "PROC", tmp_path / "proc")
    return Processes(tmp_path / "proc")


def of(state: str, **settings: str) -> Settings:
    return load({"SLIPWAY_STATE_DIR": state} | {f"SLIPWAY_{name.upper()}": value for name, value in settings.items()})


def test_one_with_the_same_name_and_port_is_named_with_how_to_stop_it(processes: Processes) -> None:
    processes.add("/srv/first", *AGENT, state_dir="/srv/first/.slipway", http_listen="8090", unknown_here="1")
    with pytest.raises(HostUnready) as refused:
        other_installations.check(of("/srv/second/.slipway", http_listen="127.0.0.1:8090"))
    assert refused.value.message == (
        "Another Slipway runs on this host, from /srv/first (http://slipway.localhost:8090, instance slipway, "
        "state in /srv/first/.slipway). This one can't start beside it: both have the name slipway and port 8090"
    )
    assert refused.value.remedy.startswith("stop that one: make -C /srv/first down\n")
    assert "  SLIPWAY_HTTP_LISTEN=127.0.0.1:" in refused.value.remedy


def test_the_settings_that_it_names_let_both_run(processes: Processes) -> None:
    with socket.create_server(("", 0)) as taken:
        port = taken.getsockname()[1]
        processes.add("/srv/first", *AGENT, state_dir="/a", http_listen=str(port - 1))
        processes.add(
            "/srv/third", *AGENT, state_dir="/c", instance="slipway2", http_listen="1", subnets="10.211.0.0/16"
        )
        mine = of("/b", http_listen=str(port - 1))
        with pytest.raises(HostUnready) as refused:
            other_installations.check(mine)
    lines = dict(
        line.strip().removeprefix("SLIPWAY_").lower().split("=") for line in refused.value.remedy.splitlines()[2:]
    )
    assert lines["instance"] == "slipway3"
    assert int(lines["http_listen"]) > port
    assert lines["subnets"] == "10.212.0.0/16"
    other_installations.check(of("/b", **lines))


def test_the_command_to_stop_it_names_a_state_folder_elsewhere(processes: Processes, tmp_path: Path) -> None:
    (tmp_path / "here").symlink_to(tmp_path / "b")
    processes.add("/srv/first", *AGENT, state_dir="/var/lib/other")
    processes.add("/srv/mine", *AGENT, state_dir=str(tmp_path / "b"))
    [other] = other_installations.running(of(str(tmp_path / "here")))
    assert other.stop_command == "SLIPWAY_STATE_DIR=/var/lib/other make -C /srv/first down"


@pytest.mark.parametrize(
    "cgroup", ["0::/system.slice/slipway-agent.service", "2:cpu:/\n1:name=systemd:/system.slice/slipway-agent.service"]
)
def test_one_that_systemd_runs_is_stopped_by_systemd(processes: Processes, cgroup: str) -> None:
    process = processes.add("/opt/slipway", *AGENT, state_dir="/var/lib/slipway")
    (process / "cgroup").write_text(cgroup)
    [other] = other_installations.running(of("/b"))
    assert other.stop_command == "systemctl stop slipway.target"


def test_one_in_containers_is_stopped_by_compose(processes: Processes) -> None:
    processes.add_in_container("/opt/slipway", *AGENT, state_dir="/var/lib/slipway", instance="boxed")
    [other] = other_installations.running(of("/b"))
    assert other.stop_command == "docker compose --project-name boxed down"
    assert other.sentence.startswith("Another Slipway runs on this host, in containers (")


def test_one_with_a_name_and_a_port_of_its_own_is_no_obstacle(processes: Processes) -> None:
    processes.add("/srv/first", *AGENT, state_dir="/a", instance="first", http_listen="8090")
    other_installations.check(of("/b"))


@pytest.mark.parametrize(
    ("theirs", "own", "meet"),
    [
        ("10.0.0.1:8090", "10.0.0.1:8090", True),
        ("8090", "10.0.0.1:8090", True),
        ("10.0.0.1:8090", "0.0.0.0:8090", True),
        ("[::1]:8090", "[::]:8090", True),
        ("10.0.0.1:8090", "10.0.0.2:8090", False),
        ("[::1]:8090", "[::2]:8090", False),
        ("10.0.0.1:8090", "10.0.0.1:8091", False),
        ("8090", "[::]:8090", False),  # IPv6 alone
    ],
)
def test_two_installations_share_a_port_only_where_their_addresses_meet(theirs: str, own: str, meet: bool) -> None:
    settings = of("/a", instance="first", http_listen=theirs)
    other = OtherInstallation(Path("/srv/first"), settings, RunBy.MAKE)
    assert other_installations.shared_with(other, of("/b", http_listen=own)) == (["port 8090"] if meet else [])


def test_its_own_processes_and_other_programs_are_no_other_installation(processes: Processes) -> None:
    processes.add("/srv/mine", *AGENT, state_dir="/b")
    processes.add("/srv/first", "python", "-m", "builder.worker", state_dir="/a")
    processes.add("/srv/first", "vim", "builder.agent", state_dir="/a")
    (processes.folder / "999").mkdir()
    assert other_installations.running(of("/b")) == []
