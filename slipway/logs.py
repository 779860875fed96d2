"""Structured logs: one JSON object a line on stderr, with the ids of what it is about.

`bind(deployment=318, delivery="…")` puts ids on every line logged inside its block, in this thread of control. What
looks like a token, a credential or a private key is masked.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from slipway.core.text.redaction import without_shapes

_bound: ContextVar[Mapping[str, Any]] = ContextVar("slipway_log_ids", default=MappingProxyType({}))
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


@contextmanager
def bind(**ids: Any) -> Iterator[None]:
    """Add ids to every line logged inside."""
    token = _bound.set({**_bound.get(), **ids})
    try:
        yield
    finally:
        _bound.reset(token)


class JsonFormatter(logging.Formatter):
    """`{"at": …, "level": …, "service": …, "event": …, ids and extras}`; tracebacks in `error`."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "service": self._service,
            "logger": record.name,
            "event": record.getMessage(),
            **_bound.get(),
        }
        line |= {key: value for key, value in vars(record).items() if key not in _STANDARD}
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        text = json.dumps(_redacted(line), default=lambda value: without_shapes(str(value)), ensure_ascii=False)
        return text.encode(errors="replace").decode()  # a lone surrogate must not cost the line


def _redacted(value: Any, name: str = "") -> Any:
    """The value with its secrets masked; some are known by the name before them, as in `Authorization: Bearer …`."""
    if isinstance(value, str):
        before = f"{name}: " if name else ""
        return without_shapes(before + value).removeprefix(before)
    if isinstance(value, dict):
        return {_redacted(key): _redacted(each, str(key)) for key, each in value.items()}
    return [_redacted(each, name) for each in value] if isinstance(value, list | tuple) else value


def configure(service: str, levels: Mapping[str, str]) -> None:
    """Send all logs of this process to stderr as JSON. `levels` is `Settings.log_level`."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter(service))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(levels.get(service) or levels.get("") or "INFO")
