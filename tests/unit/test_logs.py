"""Structured logs."""

from __future__ import annotations

import json
import logging
import sys
import threading
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from slipway import logs
from slipway.logs import JsonFormatter, bind


def line(message: str = "something happened", *args: object, level: int = logging.INFO, **extra: Any) -> dict[str, Any]:
    record = logging.getLogger("slipway.test").makeRecord(
        "slipway.test", level, __file__, 1, message, args, None, extra=extra or None
    )
    text = JsonFormatter("webhook").format(record)
    assert "\n" not in text
    logged: dict[str, Any] = json.loads(text)
    return logged


def test_a_line_is_one_json_object() -> None:
    logged = line("%d things", 3)
    assert datetime.fromisoformat(logged.pop("at")).utcoffset() is not None
    assert logged == {"level": "info", "service": "webhook", "logger": "slipway.test", "event": "3 things"}


def test_extras_are_fields() -> None:
    assert line(deployment=318, app="shop").items() >= {"deployment": 318, "app": "shop"}.items()


def test_ids_that_are_bound_are_on_every_line_inside() -> None:
    with bind(deployment=318), bind(delivery="d-1"):
        inner = line()
    assert (inner["deployment"], inner["delivery"]) == (318, "d-1")
    assert "deployment" not in line()


def test_an_inner_binding_goes_before_the_outer_and_ends() -> None:
    with bind(app=1):
        with bind(app=2):
            assert line()["app"] == 2
        assert line()["app"] == 1


def test_a_binding_ends_when_its_block_raises() -> None:
    with pytest.raises(ZeroDivisionError), bind(app=1):
        raise ZeroDivisionError
    assert "app" not in line()


def test_another_thread_has_its_own_bindings() -> None:
    seen: list[dict[str, Any]] = []
    with bind(app=1):
        thread = threading.Thread(target=lambda: seen.append(line()))
        thread.start()
        thread.join()
    assert "app" not in seen[0]


def test_what_is_no_json_is_written_as_text() -> None:
    assert line(path=ZeroDivisionError("x"), several={1})["path"] == "x"


def test_a_traceback_is_one_field() -> None:
    try:
        _ = 1 / 0
    except ZeroDivisionError:
        record = logging.makeLogRecord({"msg": "failed", "exc_info": sys.exc_info(), "levelname": "ERROR"})
    logged = json.loads(JsonFormatter("webhook").format(record))
    assert "ZeroDivisionError" in logged["error"]


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    logger = logging.getLogger()
    handlers, level = list(logger.handlers), logger.level
    yield logger
    logger.handlers[:], logger.level = handlers, level


@pytest.mark.parametrize(
    ("levels", "level"),
    [
        ({"": "WARNING"}, logging.WARNING),
        ({"": "WARNING", "webhook": "DEBUG"}, logging.DEBUG),
        ({"agent": "DEBUG"}, logging.INFO),
    ],
)
def test_a_service_has_its_own_level(root: logging.Logger, levels: dict[str, str], level: int) -> None:
    logs.configure("webhook", levels)
    assert root.level == level


def test_a_configured_process_logs_json_to_stderr_once(
    root: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        logs.configure("webhook", {"": "INFO"})
    logging.getLogger("slipway.test").info("größe \ud800", extra={"odd": "\udcff"})
    (written,) = capsys.readouterr().err.splitlines()
    assert json.loads(written)["event"].startswith("größe")


TOKEN = "slw_" + "a1B2" * 10
KEY = "-----BEGIN PRIVATE KEY-----\nQUJDREVG\n-----END PRIVATE KEY-----"


@pytest.mark.parametrize(
    "extra",
    [
        {"token": TOKEN},
        {"headers": {"Authorization": "Bearer abcdefgh-0"}},
        {"headers": [["x", f"Authorization: Bearer {TOKEN}"]]},
        {"url": "https://me:abcdefgh-0@github.com/a/b"},
        {"key": KEY},
    ],
)
def test_secrets_of_known_shape_are_in_no_line(extra: dict[str, Any]) -> None:
    logged = line(f"called with Authorization: Bearer {TOKEN}", **extra)
    assert logged["event"] == "called with Authorization: Bearer •••"
    assert all(secret not in json.dumps(logged) for secret in (TOKEN, "abcdefgh-0", "QUJDREVG"))


@pytest.mark.parametrize("before", ["\n", "\t", "\x1b[32m", "first\\n", "%3D", "%20", "é", "x"])
def test_a_token_is_masked_whatever_stands_before_it(before: str) -> None:
    reported = line(
        f"said {before}{TOKEN}", said={before + TOKEN: [before + TOKEN], "in": (before + TOKEN,)}, odd={TOKEN}
    )
    assert reported["event"] == f"said {before}•••"
    assert TOKEN not in json.dumps(reported)


def test_a_traceback_shows_no_token() -> None:
    try:
        int(TOKEN)
    except ValueError:
        record = logging.getLogger("x").makeRecord("x", logging.ERROR, __file__, 1, "failed", (), sys.exc_info())
    logged = json.loads(JsonFormatter("agent").format(record))
    assert "'•••'" in logged["error"]
    assert TOKEN not in json.dumps(logged)
