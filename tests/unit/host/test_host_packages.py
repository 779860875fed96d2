from __future__ import annotations

from pathlib import Path

import pytest

from slipway.core.build import git_version
from slipway.errors import HostUnready
from slipway.host.install.packages import Packages, Places, UnsupportedHost
from slipway.host.install.requirements import REQUIREMENTS, Host, missing, too_old
from tests.unit.host.host_fakes import FakeCommands

INSTALLED = "\n".join(
    f"installed {package} 9:1"
    for need in REQUIREMENTS
    for package in need.packages
    if need.group in ("run", "test", "bench", "images")
)
PROGRAMS = (
    *("dockerd", "docker", "nginx", "redis-server", "iptables", "ss", "git", "luacheck", "busted"),
    *("luajit", "wrk", "h2load"),
    *("debootstrap", "dpkg-query", "dpkg", "apt-get", "env", "install", "rm", "sudo", "service", "update-rc.d"),
)


def host(*absent: str, root: bool = True) -> FakeCommands:
    """A host that has everything but `absent` (programs and packages)."""
    commands = FakeCommands(*(set(PROGRAMS) - set(absent)), root=root)
    lines = [line for line in INSTALLED.splitlines() if line.split()[1] not in absent]
    commands.answer("dpkg-query", output="\n".join(lines))
    if "git" not in absent:
        commands.answer("git", "--version", output="git version 2.39.5\n")
    return commands


@pytest.fixture
def places(tmp_path: Path) -> Places:
    (tmp_path / "init.d").mkdir()
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "mirror_Packages.lz4").touch()
    (tmp_path / "os-release").write_text('NAME="Derived"\nID=derived\nID_LIKE="ubuntu debian"\n')
    return Places(tmp_path / "os-release", tmp_path / "init.d", tmp_path / "policy-rc.d", tmp_path / "lists")


def needs(commands: FakeCommands) -> list[str]:
    return [need.name for need in missing(Host(commands), ["run", "test"])]


def test_a_complete_host_misses_nothing() -> None:
    assert needs(host()) == []


def test_what_is_missing_is_named_in_the_tables_order() -> None:
    assert needs(host("lua-cjson", "git", "luacheck", "lua-check")) == ["lua-cjson", "git 2.37 or newer", "luacheck"]


def test_an_engine_of_another_make_counts_as_one() -> None:
    assert "Docker Engine" not in needs(host("docker.io"))


def test_a_lua_module_with_a_known_hole_has_to_be_replaced() -> None:
    commands = host()
    commands.answer("dpkg", "--compare-versions", code=1)
    assert needs(commands) == ["nginx's Lua module"]


@pytest.mark.parametrize(
    ("said", "is_enough"),
    [
        ("git version 2.37.0\n", True),
        ("git version 2.39.5 (Apple Git-154)\n", True),
        ("git version 10.0.windows.1\n", True),
        ("git version 2.36.9\n", False),
        ("git version 1.99\n", False),
        ("something else\n", False),
    ],
)
def test_a_git_that_ignores_what_it_is_pinned_to_has_to_be_replaced(said: str, is_enough: bool) -> None:
    commands = host()
    commands.answer("git", "--version", output=said)
    assert needs(commands) == ([] if is_enough else ["git 2.37 or newer"])
    assert [need.remedy for need in too_old(Host(commands), ["run"])] == ([] if is_enough else [git_version.REMEDY])


def test_packages_come_without_recommended_ones_and_without_a_shell(places: Places) -> None:
    commands = host("git", "luacheck")
    Packages(commands, places).install(missing(Host(commands), ["run", "test"]))
    [install] = commands.ran_with("apt-get", "install")
    assert install[-4:] == ["--no-install-recommends", "--", "git", "lua-check"]


def test_old_package_lists_are_renewed_before_installing(places: Places) -> None:
    next(places.lists.iterdir()).unlink()
    commands = host("git")
    Packages(commands, places).install(missing(Host(commands), ["run"]))
    assert [argv[-1] for argv in commands.ran_with("apt-get")] == ["update", "git"]


def test_lists_that_name_vanished_files_are_renewed_and_the_installation_tried_again(places: Places) -> None:
    commands = host("git")
    tries = iter([100, 0])
    commands.answer_by(lambda _: next(tries), "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "install")
    Packages(commands, places).install(missing(Host(commands), ["run"]))
    assert [("update" in argv) for argv in commands.ran_with("apt-get")] == [False, True, False]


def test_no_service_starts_while_packages_are_installed(places: Places) -> None:
    commands = host("redis-server")
    Packages(commands, places).install(missing(Host(commands), ["run"]))
    verbs = [
        argv[0] if argv[0] != "env" else "apt-get"
        for argv in commands.ran
        if str(places.policy) in argv or "install" in argv
    ]
    assert verbs == ["install", "apt-get", "rm"]


def test_an_administrators_own_policy_stays(places: Places) -> None:
    places.policy.write_text("#!/bin/sh\nexit 0\n")
    commands = host("redis-server")
    Packages(commands, places).install(missing(Host(commands), ["run"]))
    assert commands.ran_with("rm") == []
    assert places.policy.read_text() == "#!/bin/sh\nexit 0\n"


def test_a_service_that_came_with_us_is_switched_off_and_one_that_was_there_is_not(places: Places) -> None:
    (places.init_scripts / "nginx").touch()
    commands = host("redis-server")

    def unpack(_: object) -> int:
        (places.init_scripts / "redis-server").touch()
        return 0

    commands.answer_by(unpack, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "install")
    Packages(commands, places).install(missing(Host(commands), ["run"]))
    assert [argv[1:] for argv in commands.ran_with("update-rc.d")] == [["redis-server", "disable"]]


def test_without_root_sudo_without_a_password_does(places: Places) -> None:
    commands = host("git", root=False)
    Packages(commands, places).install(missing(Host(commands), ["run"]))
    assert commands.ran_with("apt-get", "install")[0][:2] == ["sudo", "-n"]


def test_without_root_and_sudo_the_exact_command_is_reported(places: Places) -> None:
    commands = host("git", root=False)
    commands.answer("sudo", code=1)
    with pytest.raises(HostUnready) as failure:
        Packages(commands, places).install(missing(Host(commands), ["run"]))
    assert failure.value.remedy == "run: sudo apt-get install -y --no-install-recommends git"
    assert not commands.ran_with("apt-get")


def test_another_system_learns_what_to_install(places: Places) -> None:
    places.os_release.write_text("ID=fedora\n")
    commands = host("git", "nginx")
    with pytest.raises(UnsupportedHost, match="nginx, git") as failure:
        Packages(commands, places).install(missing(Host(commands), ["run"]))
    assert "git nginx-light" in failure.value.remedy
