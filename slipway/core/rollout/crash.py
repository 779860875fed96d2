"""How a replica's container ended by itself, as the record keeps it and as people read it."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from typing import Any, Self

_BY_SIGNAL = 128
_KILLED = _BY_SIGNAL + signal.SIGKILL


@dataclass(frozen=True, slots=True)
class Crash:
    """An end that nobody asked for."""

    container_id: str
    at: float
    """Unix seconds."""
    exit_code: int | None
    out_of_memory: bool
    """The kernel killed a process of it for lack of memory: the last one, if the exit code is SIGKILL's."""
    memory_bytes: int
    """What it might use."""

    @property
    def when(self) -> datetime:
        return datetime.fromtimestamp(self.at, UTC)

    @property
    def cause(self) -> str:
        """`out of memory (256 MB)`, `exit code 1`, or both."""
        if not self.out_of_memory:
            return exit_text(self.exit_code)
        shortage = out_of_memory_text(self.memory_bytes)
        return shortage if self.exit_code == _KILLED else f"{exit_text(self.exit_code)}, {shortage}"

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        return cls(**{each.name: values[each.name] for each in fields(cls)})


def exit_text(code: int | None) -> str:
    """`exit code 1`, `exit code 139 (SIGSEGV)`."""
    if code is None:
        return "no exit code"
    try:
        return f"exit code {code} ({signal.Signals(code - _BY_SIGNAL).name})"
    except ValueError:
        return f"exit code {code}"


def out_of_memory_text(limit_bytes: int) -> str:
    """With what it might use, where that is known."""
    return f"out of memory ({limit_bytes >> 20} MB)" if limit_bytes else "out of memory"


def more_memory(limit_bytes: int) -> str:
    """What to do about it."""
    now = f" (now {limit_bytes >> 20})" if limit_bytes else ""
    return f"give it more: memory_mb under [resources] in slipway.toml{now}; or let it use less"


def output_note(at: float, text: str) -> bytes:
    """A line of the platform's own in a replica's output, with its time written as the runtime does."""
    nanoseconds = round(at * 1e9)
    time = f"{datetime.fromtimestamp(nanoseconds // 10**9, UTC):%Y-%m-%dT%H:%M:%S}.{nanoseconds % 10**9:09d}Z"
    return f"{time} [slipway] {text}\n".encode()
