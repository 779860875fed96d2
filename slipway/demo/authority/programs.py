"""pebble and its DNS server, built by Go in the versions that go.mod beside this file pins."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

from slipway.errors import HostUnready
from slipway.host import checkout
from slipway.host.commands import Commands
from slipway.host.install import go

PEBBLE, DNS_SERVER = "pebble", "pebble-challtestsrv"
_HERE = Path(__file__).parent
_VENV = checkout.ROOT / ".venv"
_MODULE = "github.com/letsencrypt/pebble/v2/cmd"
_BUILD_S = 900


def program(name: str, say: Callable[[str], None] = lambda _line: None) -> str:
    """Where it is, in this checkout's `.venv`. Built where it is not there yet.

    Raises:
        HostUnready: there is no Go for it, or it can't be built; with the end of what Go printed.
    """
    folder = _VENV / "pebble" / _version()
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # somebody else may be building
        if not all((folder / each).exists() for each in (PEBBLE, DNS_SERVER)):
            _build(folder, say)
    return str(folder / name)


def _build(folder: Path, say: Callable[[str], None]) -> None:
    commands = Commands()
    found = go.find(commands, _VENV)
    if found is None:
        version = ".".join(map(str, go.AT_LEAST))
        raise HostUnready(
            f"pebble, the authority of the demo and of tests, is built with Go {version} or newer, which is not here",
            remedy="make install-go, which puts one into .venv; or install your own (https://go.dev/dl)",
        )
    say(f"authority pebble {_version()}, built with {found} (a minute, once) …")
    argv = [str(found), "install", *(f"{_MODULE}/{name}" for name in (PEBBLE, DNS_SERVER))]
    remedy = "see what Go says above: it fetches modules from GOPROXY"
    commands.must(argv, env=os.environ | {"GOBIN": str(folder)}, cwd=_HERE, timeout_s=_BUILD_S, remedy=remedy)


def _version() -> str:
    line = next(line for line in (_HERE / "go.mod").read_text().splitlines() if "pebble/v2" in line)
    return line.split()[-1]
