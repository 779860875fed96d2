"""Ends the agent after its n-th effect on the outside: a commit, a container, a publication."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


class Killed(BaseException):
    """Not an Exception: nothing may catch it, as nothing catches SIGKILL."""


class Countdown:
    """Counts effects down; the one at zero is the last."""

    def __init__(self) -> None:
        self.left: int | None = None
        self.seen = 0

    def effect(self) -> None:
        self.seen += 1
        if self.left is None:
            return
        self.left -= 1
        if self.left == 0:
            raise Killed


class Mortal:
    """Passes everything on to `inner`, and counts calls of `effects` once they are done."""

    def __init__(self, inner: Any, countdown: Countdown, *effects: str) -> None:
        self._inner, self._countdown, self._effects = inner, countdown, effects

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        return self._counted(found) if name in self._effects else found

    def _counted(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any, **kwargs: Any) -> Any:
            answer = call(*args, **kwargs)
            self._countdown.effect()
            return answer

        return counted


class MortalDatabase(Mortal):
    @contextmanager
    def write(self, **scope: Any) -> Iterator[Any]:
        with self._inner.write(**scope) as session:
            yield session
        self._countdown.effect()
