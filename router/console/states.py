"""What stands beside the word of a state: a sign and a tone, so that no state is known by its colour alone. The word is
the API's own."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sign:
    icon: str
    """Of `static/icons.svg`."""
    tone: str
    """`good`, `bad`, `busy` or `quiet`: which colours of the style sheet."""


GOOD, STOPPED = Sign("running", "good"), Sign("stopped", "quiet")
BAD, BUSY, ASLEEP = Sign("unhealthy", "bad"), Sign("busy", "busy"), Sign("asleep", "quiet")
ENDED, OPEN = Sign("ended", "quiet"), Sign("ended", "busy")
SIGNS = {
    **dict.fromkeys(("running", "live", "ready", "ok", "issued", "deployed", "accepted", "previewed"), GOOD),
    **dict.fromkeys(("stopped", "gone", "removed", "none"), STOPPED),
    **dict.fromkeys(("failed", "crashed", "degraded", "unhealthy", "refused"), BAD),
    "open": OPEN,
    **dict.fromkeys(("asleep", "frozen"), ASLEEP),
    **dict.fromkeys(
        ("retired", "cancelled", "superseded", "skipped", "empty", "ignored", "revoked", "expired", "closed"), ENDED
    ),
}
"""What is not here goes on: queued, fetching, building, starting, deploying, draining, waiting, checking, issuing."""


def sign_of(state: str) -> Sign:
    return SIGNS.get(state, BUSY)
