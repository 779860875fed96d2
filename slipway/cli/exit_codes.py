"""The command's exit codes. They are part of its interface."""

from __future__ import annotations

from enum import IntEnum

from slipway.errors import DependencyUnavailable, NotFound, SlipwayError

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
    """The command stops waiting; what it waited for goes on."""

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
        """Replace the remedy, when the command knows a better one than the API."""
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


class NotTheConsole(NotFound):
    """Something answers, but not the API."""

    code = "not-the-console"


def other_than_console(url: str, error: ApiProblem | ApiAbsent) -> str:
    """Who answered in the API's place, in a sentence; empty when it was the API, or nobody. Pages that the edge makes
    itself tell whose fault they are."""
    document = error.document
    if document is None:
        return ""
    fault, code = document.get("fault"), str(document.get("code"))
    if code == "unknown-host":
        return f"{url} leads to a Slipway host, but neither its console nor an app answers to that name."
    if fault == "app":
        return f"{url} is the address of an app, not the console's."
    if code == "foreign" and int(str(document["status"])) < 500:  # else a gateway in front, with its 502
        return f"What answers at {url} is not Slipway's console: {document['detail']}."
    return ""


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
