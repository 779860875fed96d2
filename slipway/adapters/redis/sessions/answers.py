"""What Redis answers, and what it means when it does not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from redis.exceptions import RedisError, ResponseError

from slipway.errors import DependencyUnavailable


@contextmanager
def answering() -> Iterator[None]:
    """Raises `DependencyUnavailable` when Redis does not do what the block asks of it."""
    try:
        yield
    except RedisError as error:
        raise DependencyUnavailable(
            "Redis does not answer, so nobody can sign in, and who is signed in is not known.",
            remedy="try again in a moment",
        ) from error


def value_of(reply: Any) -> Any:
    """The reply of one command of a pipeline. None: the key holds something that Slipway never writes there."""
    if isinstance(reply, ResponseError) and str(reply).startswith("WRONGTYPE"):
        return None
    if isinstance(reply, Exception):
        with answering():
            raise reply
    return reply
