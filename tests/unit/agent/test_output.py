"""The end of a replica's output outlives its container."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from builder.agent.telemetry import output
from slipway.settings import Settings, load
from tests.fakes import FakeRuntime


class OneContainer(FakeRuntime):
    def __init__(self, *lines: bytes) -> None:
        super().__init__()
        self.lines = list(lines)

    def logs(self, container_id: str, *, tail: int | None = None, follow: bool = False) -> Iterator[bytes]:  # noqa: ARG002
        yield from self.lines


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load({"SLIPWAY_STATE_DIR": str(tmp_path), "SLIPWAY_OUTPUT_KEPT_BYTES": "40"})


def line(second: int) -> bytes:
    return f"2026-01-01T00:00:{second:02}Z {second}\n".encode()


def test_only_the_end_is_kept(settings: Settings) -> None:
    output.keep(settings, OneContainer(*(line(second) for second in range(9))), "r-1", "c-1")
    assert list(output.kept(settings, "r-1")) == [line(8)]


def test_keeping_twice_is_once_and_a_later_container_adds(settings: Settings) -> None:
    settings = load({"SLIPWAY_STATE_DIR": str(settings.state_dir)})
    for _ in range(2):
        output.keep(settings, OneContainer(line(1), line(2)), "r-1", "c-1")
    output.keep(settings, OneContainer(line(3)), "r-1", "c-2")
    assert list(output.kept(settings, "r-1")) == [line(1), line(2), line(3)]


def test_a_container_that_is_gone_leaves_what_was_kept(settings: Settings) -> None:
    output.keep(settings, OneContainer(line(1)), "r-1", "c-1")
    output.keep(settings, FakeRuntime(), "r-1", "c-gone")
    assert list(output.kept(settings, "r-1")) == [line(1)]


def test_a_tail_has_no_times() -> None:
    assert output.tail(OneContainer(line(1), line(2)), "c-1", 20) == "1\n2"
