"""Keeps containers off the host, the metadata address and other tenants' replicas (docs/guide/security.md).

`ensure` may run at any time and any number of times: each family's rules change in one transaction of the kernel, so
there is no moment without them. Works with both of iptables' backends: it is whichever Docker itself uses.
"""

from __future__ import annotations

import fcntl
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from slipway.adapters.firewall import ruleset
from slipway.adapters.firewall.ruleset import Ruleset
from slipway.errors import HostUnready
from slipway.settings import Settings, address_of

RESOLV_CONF = Path("/etc/resolv.conf")
IPV6 = Path("/proc/net/if_inet6")  # missing where the kernel has no IPv6
TIMEOUT_S = 30
_LOCK_WAIT_S = "10"


@dataclass(frozen=True, slots=True)
class _Family:
    version: int
    save: tuple[str, ...]
    restore: tuple[str, ...]


def _family(version: int, prefix: str) -> _Family:
    save = (f"{prefix}-save", "-t", "filter")
    return _Family(version, save, (f"{prefix}-restore", "--noflush", "--wait", _LOCK_WAIT_S))


_FAMILIES = (_family(4, "iptables"), _family(6, "ip6tables"))


def ensure(settings: Settings) -> bool:
    """Have the rules in force; returns whether they had to be written.

    Raises:
        HostUnready: iptables is missing or not allowed.
    """
    written = False
    with _locked(settings):
        for family in _families():
            rules = _rules(settings, family)
            saved = _run(family.save)
            if ruleset.problems(saved, rules):
                _run(family.restore, ruleset.installation(saved, rules))
                written = True
    return written


def remove(settings: Settings) -> None:
    """Remove the rules of this installation.

    Raises:
        HostUnready: iptables is missing or not allowed.
    """
    with _locked(settings):
        for family in _families():
            script = ruleset.removal(_run(family.save), _rules(settings, family))
            if script:
                _run(family.restore, script)


def problems(settings: Settings) -> list[str]:
    """The rules that are not in force; empty when all are.

    Raises:
        HostUnready: iptables is missing or not allowed.
    """
    return [
        f"IPv{family.version}: {problem}"
        for family in _families()
        for problem in ruleset.problems(_run(family.save), _rules(settings, family))
    ]


def _rules(settings: Settings, family: _Family) -> Ruleset:
    ports = [address_of(listen)[1] for listen in settings.edge_listens]
    return ruleset.ruleset(
        settings.instance, version=family.version, edge_ports=ports, nameservers=_nameservers(RESOLV_CONF)
    )


def _families() -> Iterator[_Family]:
    return (family for family in _FAMILIES if family.version == 4 or IPV6.exists())


def _nameservers(resolv_conf: Path) -> list[str]:
    """Docker gives the host's resolvers to containers; those that run on the host itself have to stay reachable."""
    if not resolv_conf.is_file():
        return []
    lines = (line.split() for line in resolv_conf.read_text().splitlines())
    named = [words[1].partition("%")[0] for words in lines if len(words) > 1 and words[0] == "nameserver"]
    return [name for name in named if _is_address(name)]


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


@contextmanager
def _locked(settings: Settings) -> Iterator[None]:
    """One process at a time: two that find a rule missing would both add it."""
    settings.run_dir.mkdir(parents=True, exist_ok=True)
    with (settings.run_dir / "firewall.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _run(argv: Sequence[str], script: str | None = None) -> str:
    try:
        done = subprocess.run(argv, input=script, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    except FileNotFoundError:
        raise HostUnready(f"{argv[0]} is not installed", remedy="apt-get install iptables") from None
    except subprocess.TimeoutExpired:
        raise HostUnready(
            f"{argv[0]} did not end within {TIMEOUT_S} s", remedy="see which process has locked /run/xtables.lock"
        ) from None
    if done.returncode:
        raise HostUnready(
            f"`{' '.join(argv)}` failed: {done.stderr.strip()}",
            remedy="run this as root, or give the process CAP_NET_ADMIN and CAP_NET_RAW",
        )
    return done.stdout
