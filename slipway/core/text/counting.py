"""Numbers in sentences."""

from __future__ import annotations


def plural(number: int, noun: str) -> str:
    """`1 replica`, `2 replicas`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def ready_of(ready: int, wanted: int) -> str:
    """`1 of 2 ready`; where more are ready than are wanted, as after a scale, `2 ready, 0 wanted`."""
    return f"{ready} of {wanted} ready" if ready <= wanted else f"{ready} ready, {wanted} wanted"
