"""Other installations that run on this host, and what this one may not share with them.

Each is found by its agent, the one process that every installation has once. Source: proc(5), cmdline, environ, cwd,
cgroup and ns/mnt.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, auto
from ipaddress import IPv4Network
from pathlib import Path

from slipway.errors import HostUnready, SettingsError
from slipway.host.processes import units
from slipway.settings import PREFIX, Settings, address_of, load

PROC = Path("/proc")
_AGENT = [b"-m", b"builder.agent"]
_READ = ("INSTANCE", "STATE_DIR", "HTTP_LISTEN", "CONSOLE_HOST", "PUBLIC_URL", "SUBNETS")
_PORTS_TRIED = 100
_EVERY = {"", "0.0.0.0", "::"}  # noqa: S104


class RunBy(Enum):
    """What starts and stops an installation's processes."""

    MAKE = auto()
    SYSTEMD = auto()
    COMPOSE = auto()


@dataclass(frozen=True, slots=True)
class OtherInstallation:
    """An installation that runs with another state folder. In containers `checkout` is a folder of theirs."""

    checkout: Path
    settings: Settings
    run_by: RunBy

    @property
    def sentence(self) -> str:
        settings = self.settings
        place = "in containers" if self.run_by is RunBy.COMPOSE else f"from {self.checkout}"
        where = f"{settings.public_url}, instance {settings.instance}, state in {settings.state_dir}"
        return f"Another Slipway runs on this host, {place} ({where})"

    @property
    def stop_command(self) -> str:
        """The one of what runs it. `make` gets the state folder where that is not the checkout's own: its `.env` may
        name another one by now."""
        if self.run_by is RunBy.SYSTEMD:
            return f"systemctl stop {units.TARGET}"
        if self.run_by is RunBy.COMPOSE:
            return f"docker compose --project-name {self.settings.instance} down"
        state = self.settings.state_dir
        chosen = "" if state == self.checkout / ".slipway" else f"SLIPWAY_STATE_DIR={state} "
        return f"{chosen}make -C {self.checkout} down"


def check(settings: Settings) -> None:
    """Before anything is started.

    Raises:
        HostUnready: another installation has this one's name, or its port and address; names it, how to stop it, and
            the settings with which both can run.
    """
    others = running(settings)
    for other in others:
        shared = shared_with(other, settings)
        if shared:
            raise HostUnready(
                f"{other.sentence}. This one can't start beside it: both have {' and '.join(shared)}",
                remedy=remedy(other, settings, [each.settings for each in others]),
            )


def running(settings: Settings) -> list[OtherInstallation]:
    """Every installation that runs on this host but the one of `settings`."""
    found = (_read(process) for process in PROC.iterdir() if process.name.isdigit())
    own = settings.state_dir.resolve()
    return [each for each in found if each is not None and each.settings.state_dir.resolve() != own]


def shared_with(other: OtherInstallation, settings: Settings) -> list[str]:
    """What both would use. The name stands in the labels of containers and images, in networks and in firewall rules:
    two agents under one name remove each other's replicas."""
    shared = [f"the name {settings.instance}"] if other.settings.instance == settings.instance else []
    address, port = address_of(settings.http_listen)
    others_address, others_port = address_of(other.settings.http_listen)
    return [*shared, f"port {port}"] if port == others_port and _meet(address, others_address) else shared


def remedy(other: OtherInstallation, settings: Settings, others: Iterable[Settings]) -> str:
    """Stop the other one, or give this one settings of its own."""
    taken = list(others)
    names = {each.instance for each in taken}
    name = next(each for number in range(2, 100) if (each := f"{settings.instance}{number}") not in names)
    lines = [
        f"SLIPWAY_INSTANCE={name}",
        f"SLIPWAY_HTTP_LISTEN={_free_listen(settings.http_listen)}",
        f"SLIPWAY_SUBNETS={_free_range(settings.subnets, [each.subnets for each in taken])}",
    ]
    return "\n  ".join([f"stop that one: {other.stop_command}", "or run both, with these lines in .env:", *lines])


def _read(process: Path) -> OtherInstallation | None:
    """The installation whose agent this process is; None for any other process."""
    try:
        argv = (process / "cmdline").read_bytes().split(b"\0")
        if argv[1:3] != _AGENT:
            return None
        settings = load(_settings_in((process / "environ").read_bytes()))
        return OtherInstallation(Path(os.readlink(process / "cwd")), settings, _run_by(process))
    except (OSError, SettingsError):  # it has just ended, or has settings of another version
        return None


def _run_by(process: Path) -> RunBy:
    """systemd's units are named by their cgroups; the processes of Compose see other file systems than this one."""
    if any(line.endswith(f"/{units.AGENT}") for line in (process / "cgroup").read_text().splitlines()):
        return RunBy.SYSTEMD
    here, there = (os.readlink(each / "ns" / "mnt") for each in (PROC / "self", process))
    return RunBy.MAKE if here == there else RunBy.COMPOSE


def _settings_in(environ: bytes) -> dict[str, str]:
    """Only the settings that are compared: another version may have settings that are unknown here."""
    names = {PREFIX + name for name in _READ}
    variables = (os.fsdecode(each).partition("=") for each in environ.split(b"\0"))
    return {name: value for name, _, value in variables if name in names}


def _meet(one: str, other: str) -> bool:
    """Whether one port can't be had at both addresses. To the edge `[::]` is every IPv6 address and no other one."""
    same_family = (":" in one) == (":" in other)
    return same_family and (one == other or not _EVERY.isdisjoint((one, other)))


def _free_listen(listen: str) -> str:
    """The same address with another port."""
    address, _, _ = listen.rpartition(":")
    port = _free_port(address_of(listen)[1] + 1)
    return f"{address}:{port}" if address else str(port)


def _free_port(first: int) -> int:
    return next((port for port in range(first, min(first + _PORTS_TRIED, 1 << 16)) if _is_free(port)), first)


def _is_free(port: int) -> bool:
    try:
        with socket.create_server(("", port)):
            return True
    except OSError:
        return False


def _free_range(own: IPv4Network, taken: Iterable[IPv4Network]) -> IPv4Network:
    """The next range of the same size that no other installation has."""
    size, used = own.num_addresses, [own, *taken]
    starts = (int(own.network_address) + number * size for number in range(1, _PORTS_TRIED))
    ranges = (IPv4Network((start, own.prefixlen)) for start in starts)
    return next((each for each in ranges if not any(each.overlaps(other) for other in used)), own)
