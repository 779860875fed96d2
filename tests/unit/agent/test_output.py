"""The end of a replica's output outlives its container."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from builder.agent.telemetry import output
from builder.agent.telemetry.output import OutputStore
from tests.fakes import FakeRuntime


class OneContainer(FakeRuntime):
    def __init__(self, *lines: bytes) -> None:
        super().__init__()
        self.lines = list(lines)

    def logs(self, container_id: str, *, tail: int | None = None, follow: bool = False) -> Iterator[bytes]:  # noqa: ARG002
        yield from self.lines


def line(second: int) -> bytes:
    return f"2026-01-01T00:00:{second:02}Z {second}\n".encode()


def test_only_the_end_is_kept(tmp_path: Path) -> None:
    store = OutputStore(OneContainer(*(line(second) for second in range(9))), tmp_path, size_bytes=40)
    store.keep("r-1", "c-1")
    assert list(store.kept("r-1")) == [line(8)]


def test_keeping_twice_is_once_and_a_later_container_adds(tmp_path: Path) -> None:
    for _ in range(2):
        OutputStore(OneContainer(line(1), line(2)), tmp_path, size_bytes=1000).keep("r-1", "c-1")
    store = OutputStore(OneContainer(line(3)), tmp_path, size_bytes=1000)
    store.keep("r-1", "c-2")
    assert list(store.kept("r-1")) == [line(1), line(2), line(3)]


def test_a_container_that_is_gone_leaves_what_was_kept(tmp_path: Path) -> None:
    OutputStore(OneContainer(line(1)), tmp_path, size_bytes=40).keep("r-1", "c-1")
    store = OutputStore(FakeRuntime(), tmp_path, size_bytes=40)
    store.keep("r-1", "c-gone")
    assert list(store.kept("r-1")) == [line(1)]


def test_a_tail_has_no_times() -> None:
    assert output.tail(OneContainer(line(1), line(2)), "c-1", 20) == "1\n2"


def test_the_last_lines_are_without_control_sequences() -> None:
    lines = [b"2026-01-01T00:00:00Z \x1b[1;31mError:\x1b[0m no\x1b]0;title\x07\n", b"2026-01-01T00:00:01Z 1%\r100%\r\n"]
    assert output.without_times(lines) == "Error: no\n100%"
