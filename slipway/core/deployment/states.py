"""The states of a deployment and every legal move between them. Nothing else may set a state.

    queued → fetching → building → starting → live → retired
    and from every state before live: failed · cancelled · superseded · skipped
    and while a new release is watched: live → failed, together with retired → live of the one before it

An image from a registry, or of another app, is fetched, not built: fetching → starting. A rollback and a configuration
change have their image already: queued → starting. A deployment whose worker stopped reporting goes back to queued for
the next worker.
"""

from __future__ import annotations

from enum import StrEnum

from slipway.errors import Conflict


class State(StrEnum):
    QUEUED = "queued"
    FETCHING = "fetching"
    BUILDING = "building"
    STARTING = "starting"
    LIVE = "live"
    RETIRED = "retired"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"
    SKIPPED = "skipped"


class Kind(StrEnum):
    """What a deployment was made for. Only pushes supersede pushes; a rollback cancels everything earlier; a
    configuration change cancels nothing. A rebuild is one by hand that is made also of what is live already. A
    promotion brings the image of another app."""

    PUSH = "push"
    MANUAL = "manual"
    REBUILD = "rebuild"
    ROLLBACK = "rollback"
    CONFIGURATION = "configuration"
    PROMOTION = "promotion"


BY_HAND = frozenset({Kind.MANUAL, Kind.REBUILD})
WITH_IMAGE_TO_MAKE = frozenset({Kind.PUSH, Kind.PROMOTION}) | BY_HAND
"""A worker gets the image first: builds it, pulls it, or tags that of another app."""
MANUAL_OVERRIDES = frozenset({Kind.ROLLBACK, Kind.PROMOTION}) | BY_HAND
"""Somebody chose by hand what serves, which stands until the branch moves."""

_STOPS = frozenset({State.FAILED, State.CANCELLED, State.SUPERSEDED, State.SKIPPED})

MOVES: dict[State, frozenset[State]] = {
    State.QUEUED: frozenset({State.FETCHING, State.STARTING}) | _STOPS,
    State.FETCHING: frozenset({State.BUILDING, State.STARTING, State.QUEUED}) | _STOPS,
    State.BUILDING: frozenset({State.STARTING, State.QUEUED}) | _STOPS,
    State.STARTING: frozenset({State.LIVE}) | _STOPS,
    State.LIVE: frozenset({State.RETIRED, State.FAILED}),
    State.RETIRED: frozenset({State.LIVE}),
    State.FAILED: frozenset(),
    State.CANCELLED: frozenset(),
    State.SUPERSEDED: frozenset(),
    State.SKIPPED: frozenset(),
}

UNFINISHED = frozenset({State.QUEUED, State.FETCHING, State.BUILDING, State.STARTING})
"""On its way to live."""

WITH_WORKER = frozenset({State.FETCHING, State.BUILDING})
"""A worker has claimed it, and keeps its heartbeat fresh."""

ENDED = frozenset(state for state in State if state not in UNFINISHED)
"""Nothing more will be done to make it live (live itself included)."""


def move(old: State, new: State) -> State:
    """Return `new` when the move is legal.

    Raises:
        Conflict: the table has no such move.
    """
    if new not in MOVES[old]:
        raise Conflict(
            f"a deployment that is {old} can't become {new}", remedy="see its state now: slipway deployments"
        )
    return new
