"""What is read from the ACME library's log, and how it reaches the job."""

from __future__ import annotations

import errno
import json
import logging
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from requests import exceptions

from slipway.adapters.certbot.report import ReportHandler, parse


def _heard(*responses: tuple[int, str, dict[str, object]]) -> ReportHandler:
    handler = ReportHandler()
    log = logging.Logger("acme.client", logging.DEBUG)
    log.addHandler(handler)
    for status, headers, body in responses:
        log.debug("Received response:\nHTTP %d\n%s\n\n%s", status, headers, json.dumps(body))
    return handler


def test_a_problem_document_with_how_long_to_wait() -> None:
    body: dict[str, object] = {
        "type": "urn:ietf:params:acme:error:rateLimited",
        "detail": "too many",
        "subproblems": [{"detail": "of shop.example.org"}],
    }

    reported = parse(_heard((429, "Server: x\nRetry-After: 3600", body)).line(None))

    assert (reported.type, reported.status, reported.retry_after_s) == (body["type"], 429, 3600)
    assert reported.detail == "too many; of shop.example.org"


def test_a_date_to_wait_for() -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)

    reported = parse(_heard((503, f"retry-after: {later}", {})).line(None))

    assert reported.retry_after_s is not None
    assert 3500 < reported.retry_after_s <= 3600


def test_a_name_that_was_not_accepted() -> None:
    error = {"type": "urn:ietf:params:acme:error:connection", "detail": "refused"}
    body: dict[str, object] = {
        "status": "invalid",
        "identifier": {"type": "dns", "value": "shop.example.org"},
        "challenges": [{"status": "pending"}, {"status": "invalid", "error": error}],
    }

    [failed] = parse(_heard((200, "", body)).line(None)).failed

    assert (failed.name, failed.type, failed.detail) == ("shop.example.org", error["type"], "refused")


def test_what_the_program_printed_last_is_kept() -> None:
    line = _heard().line(RuntimeError("the plug-in is missing"))

    assert "the plug-in is missing" in parse(f"Saving debug log\n{line}\n").output


def test_a_full_disk_is_found_below_other_errors() -> None:
    error = RuntimeError("could not save")
    error.__cause__ = OSError(errno.ENOSPC, "No space left on device")

    assert parse(_heard().line(error)).disk_full


def test_no_connection_is_an_authority_that_is_down() -> None:
    assert parse(_heard().line(exceptions.ConnectionError("refused"))).unreachable


def test_a_program_that_said_nothing() -> None:
    assert parse("").output == ""
    assert parse("slipway-report: {broken").type == ""
