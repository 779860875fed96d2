"""Numbers on the command line, refused in plain words."""

from __future__ import annotations

import math
from typing import Any

import click


class Number(click.ParamType):  # type: ignore[type-arg]  # generic since click 8.4 only
    """A whole number from 0 on; what is too many is for the API to say.

    Args:
        what: what it is, such as `a deployment's number`.
        instead: the command that is right, or that lists them.
    """

    name = "number"

    def __init__(self, what: str, *, instead: str) -> None:
        self._what = what
        self._instead = instead

    def convert(self, value: Any, _param: click.Parameter | None, ctx: click.Context | None) -> int:
        number = int(value) if str(value).isascii() and str(value).isdigit() else -1
        if number < 0:
            raise click.UsageError(f"{value!r} is not {self._what}: {self._instead}", ctx)
        return number

    def get_missing_message(self, *_: object, **__: object) -> str:
        return f"Give {self._what}: {self._instead}"


class Seconds(click.ParamType):  # type: ignore[type-arg]
    """A time, from 0 on. Python's `float` would take `nan` and `inf`, which are none."""

    name = "seconds"

    def convert(self, value: Any, _param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            seconds = float(value)
        except ValueError:
            seconds = math.nan
        if not 0 <= seconds < math.inf:
            raise click.UsageError(f"{value!r} is not a number of seconds: give it such as 90", ctx)
        return seconds


DEPLOYMENT = Number("a deployment's number", instead="slipway deployments lists them")
TOKEN = Number("a token's number", instead="slipway tokens lists them")
PUBLISHER = Number("a publisher's number", instead="slipway publishers lists them")
INVITATION = Number("an invitation's number", instead="slipway users invitations lists them")
PULL_REQUEST = Number("a pull request's number", instead="slipway previews lists them")
INSTALLATION = Number("an installation's number", instead="slipway github lists them")
RUN = Number("a run's number", instead="slipway runs lists them")
BACKUP = Number("a backup's number", instead="slipway services backups NAME lists them")
