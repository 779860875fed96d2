"""Control sequences are removed as a whole, and nothing else is."""

from __future__ import annotations

import pytest

from slipway.core.text.control_sequences import decoded, without_controls, without_unfinished

SEQUENCES = {
    "CSI, a colour": "\x1b[1;31m",
    "CSI, a colour with colons": "\x1b[38:2::255:0:0m",
    "CSI, the cursor": "\x1b[2K",
    "CSI, private": "\x1b[?25l",
    "CSI, with an intermediate character": "\x1b[4 q",
    "CSI, 8-bit": "\x9b31m",
    "OSC, ended by BEL": "\x1b]0;a title\x07",
    "OSC, ended by ST": "\x1b]8;;https://example.org/a?b=c\x1b\\",
    "OSC, 8-bit": "\x9d52;c;aGVsbG8=\x9c",
    "DCS": "\x1bP1$r0m\x1b\\",
    "DCS, 8-bit": "\x90q#0;2;0;0;0\x9c",
    "APC": "\x1b_Ga=T,f=100;iVBORw0KGgo=\x1b\\",
    "APC, 8-bit": "\x9fhidden\x9c",
    "PM": "\x1b^private\x1b\\",
    "PM, 8-bit": "\x9eprivate\x9c",
    "SOS": "\x1bXany text\x1b\\",
    "SOS, 8-bit": "\x98any text\x9c",
    "a character set": "\x1b(B",
    "the saved cursor": "\x1b7",
    "the reset": "\x1bc",
    "the keypad": "\x1b=",
    "BEL": "\x07",
    "NEL": "\x85",
    "a turned direction": "\u202e",
}


@pytest.mark.parametrize("name", SEQUENCES)
def test_a_sequence_is_removed_whole(name: str) -> None:
    assert without_controls(f"before {SEQUENCES[name]}after") == "before after"


@pytest.mark.parametrize("name", SEQUENCES)
def test_no_part_of_a_sequence_that_is_cut_anywhere_stays(name: str) -> None:
    sequence = SEQUENCES[name]
    for size in range(1, len(sequence)):
        assert without_controls(f"before {sequence[:size]}") == "before "


@pytest.mark.parametrize("name", [name for name in SEQUENCES if "8-bit" in name])
def test_an_8_bit_sequence_is_found_among_bytes_that_are_no_utf_8(name: str) -> None:
    printed = "größer ".encode() + SEQUENCES[name].encode("latin-1") + b"so"
    assert without_controls(decoded(printed)) == "größer so"


@pytest.mark.parametrize("name", SEQUENCES)
def test_what_is_put_behind_a_cut_sequence_stays(name: str) -> None:
    sequence = SEQUENCES[name]
    for size in range(1, len(sequence)):
        assert without_controls(without_unfinished(f"before {sequence[:size]}") + " … [cut]") == "before  … [cut]"
    assert without_unfinished(f"before {sequence} after") == f"before {sequence} after"


def test_text_stays_as_it_is() -> None:
    text = "größer\t[31m] a\nb ^[ 日本 🚀 é\u0301"
    assert without_controls(decoded(text.encode())) == text


def test_colours_stay_where_they_are_wanted() -> None:
    assert without_controls("\x1b[31mred\x1b[0m\x1b[2K\x9b1mx", colours=True) == "\x1b[31mred\x1b[0m\x9b1mx"


def test_a_sequence_that_another_interrupts_hides_nothing_that_follows() -> None:
    assert without_controls("a\x1b]0;title\x1b[31mred\x1b]0;unended") == "ared"
