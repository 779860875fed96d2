"""TCP connections of this host."""

from __future__ import annotations

import logging
import subprocess
from ipaddress import ip_address

log = logging.getLogger(__name__)

_TIMEOUT_S = 10


def close_connections_to(address: str) -> None:
    """Have the kernel close them (`ss -K`; needs CONFIG_INET_DIAG_DESTROY and CAP_NET_ADMIN). Where it can't, they stay
    open until they end by themselves, and the log says so."""
    argv = ["ss", "-K", "-H", "-t", "-n", "dst", str(ip_address(address))]
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        log.warning("idle connections were not closed", extra={"address": address, "why": str(error)})
        return
    if done.returncode or done.stderr:
        log.warning("idle connections were not closed", extra={"address": address, "why": done.stderr.strip()})
