"""Numbers on the command line, refused in plain words."""

from __future__ import annotations

from typing import Any

import click


class Number(click.ParamType):  # type: ignore[type-arg]  # generic since click 8.4 only
    """A whole number from 0 on.

    Args:
        what: what it is, such as `a deployment's number`.
        instead: the command that is right, or that lists them.
    """

    name = "number"

    def __init__(self, what: str, *, instead: str, most: int | None = None) -> None:
        self._what = what
        self._instead = instead
        self._most = most

    def convert(self, value: Any, _param: click.Parameter | None, ctx: click.Context | None) -> int:
        number = int(value) if str(value).isascii() and str(value).isdigit() else -1
        if number < 0 or (self._most is not None and number > self._most):
            until = "" if self._most is None else f" from 0 to {self._most}"
            raise click.UsageError(f"{value!r} is not {self._what}{until}: {self._instead}", ctx)
        return number

    def get_missing_message(self, *_: object, **__: object) -> str:
        return f"Give {self._what}: {self._instead}"


DEPLOYMENT = Number("a deployment's number", instead="slipway deployments lists them")
TOKEN = Number("a token's number", instead="slipway tokens lists them")
PUBLISHER = Number("a publisher's number", instead="slipway publishers lists them")
INVITATION = Number("an invitation's number", instead="slipway users invitations lists them")
