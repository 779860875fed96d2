"""What the app of a preview is called. Its host's first label is the same, so it has the length of an app's name."""

from __future__ import annotations

MOST = 40


def app_name(number: int, parent: str, mark: str = "") -> str:
    """`pr-12-shop`. `mark` tells it from another app of that name."""
    end = f"-{mark}" if mark else ""
    begin = f"pr-{number}-{parent}"[: MOST - len(end)]
    return begin.rstrip("-") + end
