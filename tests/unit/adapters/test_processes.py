"""What a program prints arrives as lines that can be shown."""

from __future__ import annotations

import sys

import pytest

from slipway.adapters.linux import processes


def lines_of(script: str) -> list[str]:
    found: list[str] = []
    processes.run([sys.executable, "-c", script], env={}, timeout_s=30, output=found.append, has_children=False)
    return found


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        ("\x1b[1;31merror\x1b[0m: no", "error: no"),
        ("10%\r50%\r100%", "100%"),
        ("\x1b]0;title\x07built\x1b(B", "built"),
        ("a\tb", "a\tb"),
    ],
)
def test_control_sequences_are_removed_whole(printed: str, expected: str) -> None:
    assert lines_of(f"print({printed!r})") == [expected]


def test_an_8_bit_control_sequence_is_removed_too() -> None:
    assert lines_of(r"import sys; sys.stdout.buffer.write(b'\x9b31mred\x9b0m gr\xc3\xb6\n')") == ["red grö"]


@pytest.mark.parametrize("size", [20_000, 200_000])
def test_a_long_line_is_cut_and_says_so_and_the_next_is_whole(size: int) -> None:
    first, second = lines_of(f"print('x' * {size}); print('next')")
    assert first == "x" * (16 << 10) + " … [cut at 16 KiB]"
    assert second == "next"


def test_a_progress_bar_that_rewrites_itself_for_long_is_not_cut() -> None:
    assert lines_of(r"print('\r'.join(f'{n:08}' for n in range(50_000)))") == ["00049999"]
