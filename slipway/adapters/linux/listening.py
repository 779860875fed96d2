"""Sockets that listen for TCP connections in a process's network, from /proc."""

from __future__ import annotations

import socket
import struct
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path

from slipway.core.rollout.listeners import Listener
from slipway.errors import NotFound

PROC = Path("/proc")
_LISTENS = "0A"
"""In the column `st` of /proc/<pid>/net/tcp (proc(5), include/net/tcp_states.h)."""


def of_process(pid: int, proc: Path = PROC) -> Sequence[Listener] | None:
    """Those of IPv4 and IPv6. None: this user may not look.

    Raises:
        NotFound: the process has ended.
    """
    try:
        tables = [_rows(Path(f"{proc}/{pid}/net/{name}")) for name in ("tcp", "tcp6")]
    except PermissionError:
        return None
    except OSError as error:
        raise NotFound(f"process {pid} does not run") from error
    return [_listener(row[1]) for rows in tables for row in rows if row[3] == _LISTENS]


def _rows(file: Path) -> list[list[str]]:
    """A host without IPv6 has no table of it."""
    if not file.exists() and file.parent.exists():
        return []
    return [line.split() for line in file.read_text().splitlines()[1:]]


def _listener(local: str) -> Listener:
    """`0100007F:1F40`: the address as 32-bit words in the host's order."""
    words, _, port = local.partition(":")
    numbers = [int(words[start : start + 8], 16) for start in range(0, len(words), 8)]
    packed = b"".join(struct.pack("=I", number) for number in numbers)
    family = socket.AF_INET if len(packed) == 4 else socket.AF_INET6
    address = ip_address(socket.inet_ntop(family, packed))
    mapped = getattr(address, "ipv4_mapped", None)
    return Listener(str(mapped or address), int(port, 16))
