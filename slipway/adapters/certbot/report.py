"""What an authority answered to certbot, gathered inside its process and printed as one line for ours.

certbot prints sentences for people, which change from version to version. The ACME library logs every response with its
headers and its body, so that what counts is read from there: problem documents (RFC 7807) and invalid authorizations.
"""

from __future__ import annotations

import errno
import json
import logging
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from slipway.core.certificates.failures import FailedName, Reported

MARK = "slipway-report: "
_RESPONSE = "Received response"
_BAD_REQUEST = 400
_DETAIL_MOST = 600
_OUTPUT_MOST = 2000


class ReportHandler(logging.Handler):
    """Follows the log of the ACME library."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.problem: dict[str, Any] = {}
        self.failed: dict[str, dict[str, str]] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """A response that is not understood is no reason to stop certbot."""
        if isinstance(record.msg, str) and record.msg.startswith(_RESPONSE) and isinstance(record.args, tuple):
            status, headers, body = (*record.args, "", "", "")[:3]
            self._read(int(str(status)), str(headers), str(body))

    def _read(self, status: int, headers: str, body: str) -> None:
        document = _json(body)
        if status >= _BAD_REQUEST:
            said = {"type": str(document.get("type", "")), "detail": _detail(document)}
            self.problem = said | {"status": status, "retry_after": _retry_after(headers)}
        elif "challenges" in document and document.get("status") == "invalid":
            name = str(document.get("identifier", {}).get("value", ""))
            self.failed[name] = next(_errors(document["challenges"]), {"type": "", "detail": ""})
        elif (error := document.get("error")) and document.get("status") == "invalid":  # an order
            self.problem = {"type": str(error.get("type", "")), "detail": _detail(error), "status": 0}

    def line(self, error: BaseException | None) -> str:
        """The report, to be printed by a process that ends with `error`."""
        unreachable = error is not None and any(_is_of_network(each) for each in _causes(error))
        return MARK + json.dumps(
            {
                "problem": self.problem,
                "failed": self.failed,
                "unreachable": unreachable,
                "disk_full": error is not None and any(_is_disk_full(each) for each in _causes(error)),
                "error": f"{type(error).__name__}: {error}"[:_DETAIL_MOST] if error is not None else "",
            }
        )


def parse(output: str) -> Reported:
    """What `ReportHandler.line` says in the program's output."""
    said = next((line for line in reversed(output.splitlines()) if line.startswith(MARK)), "")
    document = _json(said.removeprefix(MARK))
    problem = document.get("problem", {})
    failed = tuple(FailedName(name, each["type"], each["detail"]) for name, each in document.get("failed", {}).items())
    printed = "\n".join(line for line in output.splitlines() if not line.startswith(MARK))
    return Reported(
        type=problem.get("type", ""),
        detail=problem.get("detail", ""),
        status=problem.get("status", 0),
        retry_after_s=problem.get("retry_after"),
        failed=failed,
        unreachable=document.get("unreachable", False),
        disk_full=document.get("disk_full", False),
        output=(document.get("error") or printed.strip())[-_OUTPUT_MOST:],
    )


def _json(text: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _detail(document: Mapping[str, Any]) -> str:
    """The detail, with those of its parts: an order for several names says only there which one is meant."""
    parts = [str(each.get("detail", "")) for each in document.get("subproblems", ()) if isinstance(each, dict)]
    return "; ".join(filter(None, (str(document.get("detail", "")), *parts)))[:_DETAIL_MOST]


def _errors(challenges: Any) -> Iterator[dict[str, str]]:
    for each in challenges:
        if error := each.get("error"):
            yield {"type": str(error.get("type", "")), "detail": _detail(error)}


def _retry_after(headers: str) -> float | None:
    """Seconds from now."""
    for line in headers.splitlines():
        key, _, value = (part.strip() for part in line.partition(":"))
        if key.lower() != "retry-after":
            continue
        if value.isdecimal():
            return float(value)
        try:
            return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
        except (ValueError, TypeError):
            return None
    return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    each: BaseException | None = error
    while each is not None and id(each) not in seen:
        seen.add(id(each))
        yield each
        each = each.__cause__ or each.__context__


def _is_disk_full(error: BaseException) -> bool:
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def _is_of_network(error: BaseException) -> bool:
    """By the name, since importing the library here would load it into processes that never speak ACME."""
    return any(each.__module__.startswith("requests.") for each in type(error).__mro__)
