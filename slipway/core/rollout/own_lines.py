"""What an app printed by itself, apart from what its access log says of Slipway's probes."""

from __future__ import annotations

import re


def own_lines(lines: list[str], path: str) -> list[str]:
    """What the app itself said, without what its access log says of our asking for `path`; that, where it is all."""
    asked = re.compile(rf"slipway-probe|\bGET {re.escape(path or '/')} HTTP/1")
    return [line for line in lines if not asked.search(line)] or lines
