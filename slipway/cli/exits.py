"""The command's exit codes. They are part of its interface."""

from __future__ import annotations

from enum import IntEnum

from slipway.errors import NotAllowed, NotAuthenticated, NotFound, SlipwayError


class Exit(IntEnum):
    DONE = 0
    FAILED = 1
    USAGE = 2
    NOT_SIGNED_IN = 3
    NOT_FOUND = 4
    REFUSED = 5
    TIMED_OUT = 6


class WaitedTooLong(SlipwayError):
    """What was waited for goes on, the command doesn't."""

    code = "timed-out"


class ApiProblem(SlipwayError):
    """What the API answered, word for word."""

    code = "api-problem"

    def __init__(self, http_status: int, document: dict[str, object]) -> None:
        super().__init__(str(document.get("detail") or f"the API answered {http_status}"))
        self.remedy = str(document.get("remedy") or "")
        self.http_status = http_status
        self.document = document

    def problem(self) -> dict[str, object]:
        return self.document


def exit_code(error: SlipwayError) -> Exit:
    """The exit code that tells a script what kind of error it was."""
    if isinstance(error, WaitedTooLong):
        return Exit.TIMED_OUT
    status = error.http_status if isinstance(error, ApiProblem) else _STATUS.get(type(error), 0)
    return _EXITS.get(status, Exit.FAILED)


_STATUS = {NotAuthenticated: 401, NotAllowed: 403, NotFound: 404}
_EXITS = {401: Exit.NOT_SIGNED_IN, 403: Exit.REFUSED, 404: Exit.NOT_FOUND, 422: Exit.USAGE}
