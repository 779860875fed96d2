"""Which docker client builds: the first one on PATH may be too new to do BuildKit builds without a plugin."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Sequence

from slipway.errors import DependencyUnavailable

TIMEOUT_S = 10.0
_OWN_FOLDERS = ("/usr/local/bin", "/usr/bin", "/bin")
# From this version on the client needs the buildx plugin for BuildKit; before, DOCKER_BUILDKIT=1 is enough.
_FIRST_WITHOUT_BUILTIN = 23
_VERSION = re.compile(r"version v?(\d+)\.")

Run = Callable[[Sequence[str]], tuple[int, str]]
"""Runs a program: its exit code, and what it printed."""


def on_path() -> list[str]:
    """Every docker client on PATH, first come first, then Debian's own."""
    folders = dict.fromkeys([*os.get_exec_path(), *_OWN_FOLDERS])
    return [path for folder in folders if os.access(path := f"{folder}/docker", os.X_OK)]


def run(argv: Sequence[str]) -> tuple[int, str]:
    try:
        done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=TIMEOUT_S)
    except (OSError, subprocess.TimeoutExpired) as error:
        return 127, str(error)
    return done.returncode, done.stdout


def pick_client(wanted: str = "", *, found: Callable[[], list[str]] = on_path, run: Run = run) -> str:
    """Path of the docker client to build with (with DOCKER_BUILDKIT=1 in its environment): `wanted`, else the first
    one that can.

    Raises:
        DependencyUnavailable: there is none, or `wanted` can't.
    """
    if wanted:
        if _does_buildkit(wanted, run):
            return wanted
        raise DependencyUnavailable(
            f"SLIPWAY_DOCKER_CLI is {wanted}, which can't do BuildKit builds",
            remedy="install its buildx plugin, or leave the setting empty: the first client that can is taken",
        )
    candidates = found()
    for client in candidates:
        if _does_buildkit(client, run):
            return client
    raise DependencyUnavailable(
        f"no docker client here can do BuildKit builds ({', '.join(candidates) or 'none found'})",
        remedy="apt-get install docker.io, or the buildx plugin of the client that is there",
    )


def _does_buildkit(client: str, run: Run) -> bool:
    """It has buildx, or is old enough to have BuildKit built in."""
    if run([client, "buildx", "version"])[0] == 0:
        return True
    code, said = run([client, "--version"])
    version = _VERSION.search(said)
    return code == 0 and version is not None and int(version[1]) < _FIRST_WITHOUT_BUILTIN
