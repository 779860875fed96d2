"""The name of every Redis key and channel that Python reads or writes, in one place.

The edges' side of the same names is in nginx/lua; docs/reference/edge-protocol.md and the pages beside it describe what
each key holds. A test compares the three. RQ's own keys are RQ's business.
"""

from __future__ import annotations

ROUTES_META = "slipway:routes:meta"
ROUTES_TABLE = "slipway:routes:table"
ROUTES_DELTAS = "slipway:routes:deltas"

CONFIRMED = "slipway:edges:confirmed"
"""A hash by edge; also the channel on which an edge says that it confirmed something."""
LOAD = "slipway:load"

LIMIT_STATE = "slipway:limits:state"
"""What callers used of each limit; the edges' alone, but for the name."""
LIMIT_TOKENS = "slipway:limits:tokens"
"""A hash: which tokens are callers of their own to limits."""

IDENTITY_CHANGES = "slipway:identity:changes"
"""A stream, for all edges: whose verdicts are no longer true."""

WAKE = "slipway:wake"
"""The channel that wakes the agent. An edge publishes `<app>`: a request waits for that app. The other processes
publish `changed <app>`: its desired state changed."""


def inflight(edge: str) -> str:
    """What an edge has under way to each target."""
    return f"slipway:edges:inflight:{edge}"


def metrics(edge: str) -> str:
    """An edge's counts of the traffic by app."""
    return f"slipway:edges:metrics:{edge}"


def awaited(app: int | str) -> str:
    """Exists for as long as a request waits for the app at an edge."""
    return f"{WAKE}:{app}"


def awaited_app(key: str) -> str:
    """The app of an `awaited` key."""
    return key.removeprefix(f"{WAKE}:")


def log(deployment_id: int) -> str:
    """The live lines of a deployment's log."""
    return f"slipway:log:{deployment_id}"


def limit_refusals(app: int | str, hour: int) -> str:
    """Which callers limits of the app refused most, in one hour since 1970."""
    return f"slipway:limits:hits:{app}:{hour}"
