"""The command's exit codes. They are part of its interface."""

from __future__ import annotations

from enum import IntEnum

from slipway.errors import DependencyUnavailable, SlipwayError

HOW_TO_BEGIN = "the first token is made on the host: slipway tokens create --tenant NAME --name NAME"


class Exit(IntEnum):
    DONE = 0
    FAILED = 1
    USAGE = 2
    NOT_SIGNED_IN = 3
    NOT_FOUND = 4
    REFUSED = 5
    TIMED_OUT = 6


class WrongUsage(SlipwayError):
    """The command line can't be understood."""

    code = "wrong-usage"
    status = 422


class WaitedTooLong(SlipwayError):
    """What was waited for goes on, the command doesn't."""

    code = "timed-out"
    status = 504


class ApiProblem(SlipwayError):
    """What the API answered, word for word."""

    code = "api-problem"

    def __init__(self, http_status: int, document: dict[str, object]) -> None:
        super().__init__(str(document.get("detail") or f"the API answered {http_status}"))
        self.remedy = str(document.get("remedy") or "")
        self.http_status = http_status
        self.document = document

    def advise(self, remedy: str) -> None:
        """What to do next, where that is known better here than there."""
        self.remedy = remedy
        self.document = self.document | ({"remedy": remedy} if remedy else {})

    def problem(self) -> dict[str, object]:
        return self.document


class ApiAbsent(DependencyUnavailable):
    """The API can't be reached, or says that it can't answer now. `document` is what it said, if anything."""

    def __init__(self, message: str, *, remedy: str = "", document: dict[str, object] | None = None) -> None:
        super().__init__(message, remedy=remedy)
        self.document = document

    def problem(self) -> dict[str, object]:
        return self.document or super().problem()


def exit_code(error: SlipwayError) -> Exit:
    """The exit code that tells a script what kind of error it was."""
    status = error.http_status if isinstance(error, ApiProblem) else error.status
    return _EXITS.get(status, Exit.FAILED)


_EXITS = {
    401: Exit.NOT_SIGNED_IN,
    403: Exit.REFUSED,
    404: Exit.NOT_FOUND,
    422: Exit.USAGE,
    504: Exit.TIMED_OUT,
}
