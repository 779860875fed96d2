"""The platform's TCP ports, checked before its start: whether each is free, and otherwise which process has it.

Source for sockets and their processes: proc(5), /proc/net/tcp and /proc/PID/fd.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from slipway.errors import HostUnready
from slipway.host.processes import exec_service
from slipway.host.processes.services import wanted
from slipway.settings import Settings, address_of

_PROC = Path("/proc")
_LISTENS = "0A"
_EDGE = b"slipway.host.edge_listener"
_LISTENS_ON = {
    "http_listen": "edge",
    "https_listen": "edge",
    "metrics_listen": "edge",
    "keycloak_listen": "keycloak",
    "keycloak_management_listen": "keycloak",
}
"""Which service listens at the address in a setting."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A port that is not free. `pid` is None when no process is found that has it."""

    setting: str
    port: int
    why: str
    pid: int | None = None
    holder: str = ""

    @property
    def sentence(self) -> str:
        who = f"{self.holder} (process {self.pid})" if self.pid else self.why
        return f"port {self.port} is taken: {who}" if self.pid else f"port {self.port} is not free: {who}"

    @property
    def remedy(self) -> str:
        free = "end that" if self.pid else f"see who has it: ss -ltnp 'sport = :{self.port}'"
        return f"{free}, or set {self.setting} in .env to another port"


def check(settings: Settings) -> None:
    """Before anything is started.

    Raises:
        HostUnready: a port is somebody else's; names it, who has it, and the setting.
    """
    found = taken(settings)
    if found:
        sentences = "; ".join(each.sentence for each in found)
        raise HostUnready(
            f"The platform can't start: {sentences}", remedy="\n".join(dict.fromkeys(each.remedy for each in found))
        )


def taken(settings: Settings, names: Iterable[str] = _LISTENS_ON) -> list[Taken]:
    """The settings' ports that others have. What this installation's services hold themselves is its own."""
    table = {service.name: service for service in wanted(settings)}
    asked = [name for name in names if _LISTENS_ON[name] in table]
    found = [_taken(f"SLIPWAY_{name.upper()}", listen) for name in asked if (listen := getattr(settings, name))]
    services = {_LISTENS_ON[name] for name in asked}
    ours = {pid for name in services for pid in exec_service.members_of(exec_service.note_of(settings, table[name], 0))}
    return [each for each in found if each is not None and each.pid not in ours]


def _taken(setting: str, listen: str) -> Taken | None:
    address, port = address_of(listen)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.create_server((address, port), family=family, backlog=1):
            return None
    except OSError as error:
        why = error.strerror or str(error)
        holder = min(_holders(port), default=None) if error.errno == errno.EADDRINUSE else None
        return Taken(setting, port, why, holder, _name(holder) if holder else "")


def _holders(port: int) -> Iterator[int]:
    """The processes that listen on the port, on whichever address."""
    inodes = {f"socket:[{inode}]" for inode in _listening(port)}
    for entry in _PROC.iterdir():
        if entry.name.isdigit() and inodes & _open_files(entry):
            yield int(entry.name)


def _listening(port: int) -> Iterator[str]:
    for table in ("tcp", "tcp6"):
        with contextlib.suppress(FileNotFoundError):
            for line in (_PROC / "net" / table).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == _LISTENS and int(fields[1].rpartition(":")[2], 16) == port:
                    yield fields[9]


def _open_files(process: Path) -> set[str]:
    found: set[str] = set()
    with contextlib.suppress(OSError):  # another user's, or it has just ended
        for each in (process / "fd").iterdir():
            with contextlib.suppress(OSError):
                found.add(os.readlink(each))
    return found


def _name(pid: int) -> str:
    """What the process is, in words: another installation says where it keeps its state."""
    process = _PROC / str(pid)
    try:
        name = (process / "comm").read_text().strip()
        argv = (process / "cmdline").read_bytes().split(b"\0")
        variables = (process / "environ").read_bytes().split(b"\0")
    except OSError:
        return "a process that has just ended"
    if name == "docker-proxy":
        return "a container's published port, docker-proxy"
    if _EDGE not in argv:
        return name
    state = next((each.partition(b"=")[2] for each in variables if each.startswith(b"SLIPWAY_STATE_DIR=")), b"")
    return f"the edge of another Slipway, in {os.fsdecode(state)}"
