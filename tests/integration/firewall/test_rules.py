"""The rules as they stand in the kernel. Each test has a network namespace of its own, and so tables of its own."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

TOOLS = ("iptables", "iptables-save", "iptables-restore", "ip6tables", "ip6tables-save", "ip6tables-restore")

CALL = """
import sys
from slipway.adapters.firewall import install
from slipway.settings import load
settings = load({"SLIPWAY_STATE_DIR": sys.argv[3], "SLIPWAY_INSTANCE": sys.argv[2], "SLIPWAY_HTTP_LISTEN": sys.argv[4]})
print(getattr(install, sys.argv[1])(settings))
"""


@dataclass(frozen=True)
class Kernel:
    """The tables of one namespace, by one of iptables' two backends."""

    namespace: str
    path: str
    state: Path

    def firewall(self, verb: str, instance: str = "first", listen: str = "8080") -> str:
        return self._inside(sys.executable, "-c", CALL, verb, instance, str(self.state), listen).strip()

    def iptables(self, *words: str) -> str:
        return self._inside("iptables", *words)

    def table(self) -> list[str]:
        """Both families' rules."""
        each = [(family, self._inside(family, "-S").splitlines()) for family in ("iptables", "ip6tables")]
        return [f"{family} {line}" for family, lines in each for line in lines if not line.startswith("#")]

    def _inside(self, *argv: str) -> str:
        done = subprocess.run(
            ["ip", "netns", "exec", self.namespace, *argv], capture_output=True, text=True, timeout=60, check=False,
            env=os.environ | {"PATH": f"{self.path}:{os.environ['PATH']}", "XTABLES_LOCKFILE": f"{self.state}/lock"},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(params=["nft", "legacy"])
def kernel(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Kernel]:
    for tool in TOOLS:
        family, _, rest = tool.partition("-")
        real = shutil.which("-".join(filter(None, (family, request.param, rest))), path="/usr/sbin:/sbin")
        if real is None:
            pytest.skip(f"no {request.param} backend of iptables here")
        (tmp_path / tool).symlink_to(real)
    namespace = f"slw{secrets.token_hex(3)}"
    subprocess.run(["ip", "netns", "add", namespace], check=True)
    yield Kernel(namespace, str(tmp_path), tmp_path)
    subprocess.run(["ip", "netns", "del", namespace], check=True)


def test_the_second_time_there_is_nothing_to_do(kernel: Kernel) -> None:
    assert kernel.firewall("ensure") == "True"
    table = kernel.table()
    assert kernel.firewall("ensure") == "False"
    assert kernel.table() == table
    assert kernel.firewall("problems") == "[]"


def test_all_of_it_can_be_removed(kernel: Kernel) -> None:
    before = kernel.table()
    kernel.firewall("ensure")
    for _ in range(2):
        kernel.firewall("remove")
    assert kernel.table() == before
    assert "missing" in kernel.firewall("problems")


def test_two_installations_stand_side_by_side(kernel: Kernel) -> None:
    for _ in range(2):
        for instance in ("first", "second"):
            kernel.firewall("ensure", instance)
    table = kernel.table()
    assert len(table) == len(set(table))
    assert [kernel.firewall("problems", instance) for instance in ("first", "second")] == ["[]", "[]"]
    kernel.firewall("remove", "first")
    assert kernel.firewall("problems", "second") == "[]"
    assert not [line for line in kernel.table() if "FIRST" in line]


def test_docker_coming_later_gets_the_rules_in_front_of_its_own(kernel: Kernel) -> None:
    kernel.firewall("ensure")
    kernel.iptables("-N", "DOCKER-USER")
    kernel.iptables("-I", "FORWARD", "1", "-j", "DOCKER-USER")
    assert kernel.firewall("ensure") == "True"
    assert "-j SLW-FIRST-FWD" in kernel.iptables("-S", "DOCKER-USER")
    assert "SLW" not in kernel.iptables("-S", "FORWARD")


@pytest.mark.parametrize(
    "damage",
    [
        ("-F", "SLW-FIRST-IN"),
        ("-D", "SLW-FIRST-IN", "-j", "DROP"),
        ("-D", "INPUT", "1"),
        ("-I", "INPUT", "1", "-j", "ACCEPT"),
        ("-A", "INPUT", "-i", "docker0", "-j", "SLW-FIRST-IN"),
        ("-I", "SLW-FIRST-FWD", "1", "-j", "RETURN"),
    ],
    ids=["emptied", "opened", "unhooked", "preceded", "doubled", "bypassed"],
)
def test_a_changed_rule_is_reported_and_restored(kernel: Kernel, damage: tuple[str, ...]) -> None:
    kernel.firewall("ensure")
    kernel.iptables(*damage)
    assert kernel.firewall("problems") != "[]"
    kernel.firewall("ensure")
    assert kernel.firewall("problems") == "[]"


def test_a_new_edge_port_takes_the_old_ones_place(kernel: Kernel) -> None:
    kernel.firewall("ensure", listen="8080")
    kernel.firewall("ensure", listen="0.0.0.0:443")
    rules = kernel.iptables("-S", "SLW-FIRST-IN")
    assert "--dport 443" in rules
    assert "8080" not in rules


def test_other_rules_stay_as_they_are(kernel: Kernel) -> None:
    kernel.iptables("-A", "INPUT", "-p", "tcp", "--dport", "22", "-j", "ACCEPT")
    kernel.firewall("ensure")
    kernel.firewall("remove")
    assert "--dport 22 -j ACCEPT" in kernel.iptables("-S", "INPUT")


def test_without_the_right_to_it_the_remedy_is_said(tmp_path: Path) -> None:
    argv = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", sys.executable, "-c", CALL]
    tmp_path.chmod(0o777)
    state = Path("/tmp") / f"slw-{secrets.token_hex(3)}"  # pytest's own folders are root's alone
    state.mkdir(mode=0o777)
    state.chmod(0o777)
    done = subprocess.run(
        [*argv, "ensure", "first", str(state), "8080"], capture_output=True, text=True, timeout=60, check=False
    )
    shutil.rmtree(state)
    assert "HostUnready" in done.stderr
