"""The version of git that is needed. Older ones silently ignore the addresses that they are pinned to
(`http.curloptResolve` came with 2.37)."""

from __future__ import annotations

import re

AT_LEAST = (2, 37)
REMEDY = "install git 2.37 or newer (Debian 11: apt-get install -t bullseye-backports git), then: slipway doctor"
_VERSION = re.compile(r"git version (\d+)\.(\d+)")


def parse(output: str) -> tuple[int, int] | None:
    """From what `git --version` prints; None when that is something else."""
    match = _VERSION.search(output)
    return (int(match[1]), int(match[2])) if match else None


def is_enough(output: str) -> bool:
    version = parse(output)
    return version is not None and version >= AT_LEAST
