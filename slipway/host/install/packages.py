"""Debian packages: installed without their services starting by themselves."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from slipway.errors import HostUnready
from slipway.host.commands import Commands
from slipway.host.install.requirements import Requirement

LISTS_KEPT_S = 24 * 3600
_INSTALL_TIMEOUT_S = 1800
_POLICY = "#!/bin/sh\n# Slipway is installing packages: none of their services starts by itself.\nexit 101\n"

# Services that Debian starts after installing their package; Slipway runs its own instances, on its own sockets.
_OWN_INSTANCES = ("nginx", "redis-server", "postgresql", "docker-registry", "named")


class UnsupportedHost(HostUnready):
    """Not Debian and not derived from it: the packages have to be installed by hand."""

    code = "unsupported-host"


@dataclass(frozen=True, slots=True)
class Places:
    """Files of the host that installing looks at or writes."""

    os_release: Path = Path("/etc/os-release")
    init_scripts: Path = Path("/etc/init.d")
    policy: Path = Path("/usr/sbin/policy-rc.d")
    lists: Path = Path("/var/lib/apt/lists")


class Packages:
    """Installs what requirements name, as root or by sudo without a password."""

    def __init__(self, commands: Commands, places: Places | None = None) -> None:
        self._commands = commands
        self._places = places or Places()

    def install(self, needs: Sequence[Requirement]) -> None:
        """Bring in the packages of `needs`.

        Raises:
            UnsupportedHost: no Debian package manager here.
            HostUnready: not root and no sudo, or the installation failed.
        """
        names = sorted({package for need in needs for package in need.packages})
        if not self._is_debian():
            raise UnsupportedHost(
                f"this host is not Debian or Ubuntu: install {_wanted(needs)} by its own package manager",
                remedy=f"Debian's packages are: {' '.join(names)}; then run this again",
            )
        root = self._as_root(names)
        already = self._services()
        with self._no_autostart(root) as ours:
            self._apt(root, names)
        for service in sorted(self._services() - already):
            self._leave_to_us(root, service, started=not ours)

    def _is_debian(self) -> bool:
        if not self._places.os_release.exists() or self._commands.found("apt-get") is None:
            return False
        fields = dict(line.split("=", 1) for line in self._places.os_release.read_text().splitlines() if "=" in line)
        family = f"{fields.get('ID', '')} {fields.get('ID_LIKE', '')}".replace('"', "").split()
        return "debian" in family or "ubuntu" in family

    def _as_root(self, names: Sequence[str]) -> list[str]:
        if self._commands.is_root():
            return []
        if self._commands.run(["sudo", "-n", "true"]).ok:
            return ["sudo", "-n"]
        raise HostUnready(
            "installing packages needs root, and sudo asks for a password",
            remedy=f"run: sudo apt-get install -y --no-install-recommends {' '.join(names)}",
        )

    def _apt(self, root: Sequence[str], names: Sequence[str]) -> None:
        apt = [*root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q"]
        install = [*apt, "install", "-y", "--no-install-recommends", "--", *names]
        # Fresh lists may still name files that the mirror has replaced since: then once more, below.
        if self._lists_are_fresh() and self._commands.run(install, timeout_s=_INSTALL_TIMEOUT_S).ok:
            return
        self._commands.must([*apt, "update"], timeout_s=600, remedy="the host's Debian mirror has to answer")
        self._commands.must(
            install, timeout_s=_INSTALL_TIMEOUT_S, remedy="see what apt-get says above; fix it, then run this again"
        )

    def _lists_are_fresh(self) -> bool:
        newest = max((found.stat().st_mtime for found in self._places.lists.glob("*Packages*")), default=0.0)
        return time.time() - newest < LISTS_KEPT_S

    def _services(self) -> set[str]:
        return {name for name in _OWN_INSTANCES if (self._places.init_scripts / name).exists()}

    @contextmanager
    def _no_autostart(self, root: Sequence[str]) -> Iterator[bool]:
        """Forbid service starts meanwhile; yields whether it is our policy (an administrator's own stays in place)."""
        policy = self._places.policy
        if policy.exists() and policy.read_text() != _POLICY:
            yield False
            return
        with tempfile.NamedTemporaryFile("w", suffix=".policy") as ours:
            ours.write(_POLICY)
            ours.flush()
            self._commands.must([*root, "install", "-m", "0755", ours.name, str(policy)])
        try:
            yield True
        finally:
            self._commands.must([*root, "rm", "-f", str(policy)])

    def _leave_to_us(self, root: Sequence[str], service: str, *, started: bool) -> None:
        """A service that came with our installation stays off, now and after a reboot."""
        if started:
            self._commands.run([*root, "service", service, "stop"])
        self._commands.run([*root, "update-rc.d", service, "disable"])


def _wanted(needs: Sequence[Requirement]) -> str:
    return ", ".join(need.name for need in needs)
