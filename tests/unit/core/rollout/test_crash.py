"""How a replica ended, as people read it."""

from __future__ import annotations

import pytest

from slipway.core.rollout.crash import Crash, exit_text, more_memory, output_note


def crash(code: int | None, *, oom: bool = False, limit: int = 256 << 20) -> Crash:
    return Crash("c-1", 1_767_225_600.25, code, oom, limit)


@pytest.mark.parametrize(
    ("ended", "cause"),
    [
        (crash(1), "exit code 1"),
        (crash(None), "no exit code"),
        (crash(137), "exit code 137 (SIGKILL)"),
        (crash(139), "exit code 139 (SIGSEGV)"),
        (crash(137, oom=True), "out of memory (256 MB)"),
        (crash(3, oom=True), "exit code 3, out of memory (256 MB)"),
        (crash(137, oom=True, limit=0), "out of memory"),
    ],
)
def test_the_cause_says_what_is_known(ended: Crash, cause: str) -> None:
    assert ended.cause == cause
    assert Crash.from_json(ended.to_json()) == ended


@pytest.mark.parametrize("code", [0, 128, 255])
def test_a_code_that_no_signal_has_stays_a_number(code: int) -> None:
    assert exit_text(code) == f"exit code {code}"


def test_a_note_sorts_among_the_lines_of_its_moment() -> None:
    note = output_note(1_767_225_600.25, "ended")
    assert b"2026-01-01T00:00:00.100000000Z before\n" < note < b"2026-01-01T00:00:00.300000000Z after\n"
    assert note.endswith(b" [slipway] ended\n")


def test_the_remedy_names_the_setting_and_its_value() -> None:
    assert "memory_mb under [resources] in slipway.toml (now 256)" in more_memory(256 << 20)
