"""`.env` files as people have them, held to python-dotenv; what that drops without a word is refused by its line."""

from __future__ import annotations

import io
import os

import pytest
from dotenv import dotenv_values
from hypothesis import given
from hypothesis import strategies as st

from slipway.core.text import env_file
from slipway.errors import InvalidInput

LONG = 900_000
"""Characters that take many minutes where each is followed to the end."""
READ = {
    "plain": ("A=1\nB=two words\n", {"A": "1", "B": "two words"}),
    "no newline at the end": ("A=1", {"A": "1"}),
    "nothing": ("", {}),
    "blank lines and comments": ("\n  \n# A=1\n   # more\nB=2\n\n", {"B": "2"}),
    "empty values": ("A=\nB=''\nC=\"\"\nD=  \n", {"A": "", "B": "", "C": "", "D": ""}),
    "spaces around": ("  A = 1  \n\tB\t=\t2\t\n", {"A": "1", "B": "2"}),
    "export": ("export A=1\nexport   B=2\n  export C=3\n", {"A": "1", "B": "2", "C": "3"}),
    "a variable called export": ("export=1\n", {"export": "1"}),
    "a quoted name": ("'A'=1\n", {"A": "1"}),
    "more =": ("URL=postgres://u:p@h/d?a=b&c==\n", {"URL": "postgres://u:p@h/d?a=b&c=="}),
    "the last one wins": ("A=1\nA=2\n", {"A": "2"}),
    "single quotes": ("A='a b'\nB='a \"b\" c'\n", {"A": "a b", "B": 'a "b" c'}),
    "double quotes": ("A=\"a b\"\nB=\"a 'b' c\"\n", {"A": "a b", "B": "a 'b' c"}),
    "quotes within": ("A=a'b'\nB=a\"b\"\nC=it's\n", {"A": "a'b'", "B": 'a"b"', "C": "it's"}),
    "escaped quotes": (r"""A="say \"hi\""
B='it\'s'
""", {"A": 'say "hi"', "B": "it's"}),
    "escapes in double quotes": (r'A="a\nb\tc\\d\rf\x"' + "\n", {"A": "a\nb\tc\\d\rf\\x"}),
    "a backslash before the quote": (r'A="a\\"' + "\nB=2\n", {"A": "a\\", "B": "2"}),
    "no escapes in single quotes": (r"A='a\nb\\c'" + "\n", {"A": r"a\nb\c"}),
    "no escapes without quotes": (r"A=a\nb\\c" + "\n", {"A": r"a\nb\\c"}),
    "comments after values": ("A=1 # one\nB='x' # y\nC=\"x\"#y\nD=a#b\n", {"A": "1", "B": "x", "C": "x", "D": "a#b"}),
    "a value that begins with #": ("A=#fff\nB= # c\n", {"A": "#fff", "B": ""}),
    "# in quotes": ("A='a # b'\nB=\"a # b\"\n", {"A": "a # b", "B": "a # b"}),
    "several lines": ('A="one\ntwo\n\nfour"\nB=\'x\ny\'\nC=3\n', {"A": "one\ntwo\n\nfour", "B": "x\ny", "C": "3"}),
    "a key in PEM": (
        'KEY="-----BEGIN KEY-----\nabc+/=\n-----END KEY-----\n"\n',
        {"KEY": "-----BEGIN KEY-----\nabc+/=\n-----END KEY-----\n"},
    ),
    "NAME= within a value of several lines": ('A="x\nB=2\n"\nC=3\n', {"A": "x\nB=2\n", "C": "3"}),
    "JSON": ('A={"a": "b # c"}\nB=\'{"a": [1]}\'\n', {"A": '{"a": "b', "B": '{"a": [1]}'}),
    "letters of the world": ("A=grüße 🌍\n", {"A": "grüße 🌍"}),
    "lower case": ("a_b=1\n_c=2\n", {"a_b": "1", "_c": "2"}),
    "references": ("A=x\nB=${A}/y\nC=\"${A} ${B}\"\n", {"A": "x", "B": "x/y", "C": "x x/y"}),
    "references with a default": ("B=${A:-d}\nA=\nC=${A:-d}\n", {"B": "d", "A": "", "C": ""}),
    "a reference to the value above": ("A=1\nA=${A}2\n", {"A": "12"}),
    "$ alone": ("A=pa$$word\nB=$A\nC=5$\n", {"A": "pa$$word", "B": "$A", "C": "5$"}),
}  # fmt: skip
"""Text → variables, for us and for python-dotenv."""

OWN = {
    "a byte order mark": (b"\xef\xbb\xbfA=1\n", {"A": "1"}),
    "UTF-16 of Windows": ("A=grüße\r\n".encode("utf-16"), {"A": "grüße"}),
    "CR LF": (b"A=1\r\nB='x'\r\n# c\r\nC=\r\n", {"A": "1", "B": "x", "C": ""}),
    "CR LF in quotes": (b'A="x\r\ny"\r\nB=2\r\n', {"A": "x\ny", "B": "2"}),
    "CR alone": (b"A=1\rB=2\r", {"A": "1", "B": "2"}),
    "single quotes keep references": (b"B='${A}'\n", {"B": "${A}"}),
    "what is no reference": (b"B=${{ x }} ${a.b} ${}\n", {"B": "${{ x }} ${a.b} ${}"}),
}  # fmt: skip
"""Where we do what docker compose does, or lose less than python-dotenv."""

REFUSED = {
    "no =": ("A=1\nhello\nB=2\n", 2),
    "a name alone": ("A\n", 1),
    "export alone": ("A=1\nexport B\n", 2),
    "as YAML": ("\nA: 1\n", 2),
    "open double quotes": ("A=1\nB=\"x\nC=3\n", 2),
    "open single quotes": ("B='x\nC=3\n", 1),
    "open quotes after a space": ("A=1\nB= \"x\n", 2),
    "more after quotes and a space": ("A= 'x'y\n", 1),
    "more after quotes": ("A='x'y\n", 1),
    "no name": ("A=1\n\n=2\n", 3),
    "a name with a dash": ("A-B=1\n", 1),
    "a name that begins with a digit": ("1A=1\n", 1),
    "the platform's own name": ("A=1\nPORT=3000\n", 2),
    "after a value of several lines": ('A="1\n2\n3"\nhello\n', 4),
    "a reference to nothing": ("A=1\nB=${NOPE}\n", 2),
    "a reference to what is below": ("B=${A}\nA=1\n", 1),
}  # fmt: skip
"""Text → the line that is named."""


@pytest.fixture(autouse=True)
def nothing_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """python-dotenv would put it in for references."""
    for name in ("A", "B", "C", "NOPE"):
        monkeypatch.delenv(name, raising=False)
    assert "PATH" in os.environ


@pytest.mark.parametrize("case", READ)
def test_a_file_is_read_as_python_dotenv_reads_it(case: str) -> None:
    text, variables = READ[case]
    assert env_file.parse(text.encode()) == variables
    assert dotenv_values(stream=io.StringIO(text)) == variables


@pytest.mark.parametrize("case", OWN)
def test_what_editors_write_is_read(case: str) -> None:
    content, variables = OWN[case]
    assert env_file.parse(content) == variables


@pytest.mark.parametrize("case", REFUSED)
def test_a_line_that_can_not_be_read_is_named(case: str) -> None:
    text, line = REFUSED[case]
    with pytest.raises(InvalidInput, match=rf"^line {line}\b"):
        env_file.parse(text.encode())


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("A0=0123456789\n" + "".join(f"A{n + 1}={f'${{A{n}}}' * 10}\n" for n in range(12)), 6),
        (f"A={'x' * 10_000}\nB={'${A}' * 100_000}\n", 2),
        (f'A={"x" * 10_000}\nB="{"${A}" * 100_000}"\n', 2),
        (f"A={'x' * 300_000}\n" + "B=${A}\n" * 9, 4),
    ],
    ids=["each line tenfold", "one line", "one line in quotes", "one name again and again"],
)
def test_references_that_grow_without_end_are_refused_by_their_line(text: str, line: int) -> None:
    with pytest.raises(InvalidInput, match=rf"^line {line}: the values up to here are more than 1024 KiB"):
        env_file.parse(text.encode())


def test_a_file_that_is_too_large_is_refused_unread() -> None:
    with pytest.raises(InvalidInput, match="larger than 1024 KiB"):
        env_file.parse(b"#" * env_file.MOST_BYTES + b"\n")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("A=x" + " " * LONG + "x", "x" + " " * LONG + "x"),
        ("A=" + "${a:-" * (LONG // 5), "${a:-" * (LONG // 5)),
        ('A="' + "${a:-" * (LONG // 5) + '"', "${a:-" * (LONG // 5)),
        ("A=x" + " #" * (LONG // 2), "x"),
    ],
    ids=["spaces", "references", "references in quotes", "comments"],
)
def test_a_long_line_is_read_in_one_pass(text: str, value: str) -> None:
    assert env_file.parse(text.encode()) == {"A": value}


@pytest.mark.parametrize("text", [" " * LONG + "x", "export" + " " * LONG + "A", "A=" + " " * LONG + '"', "A" * LONG])
def test_a_long_line_that_can_not_be_read_is_left_in_one_pass(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"^line 1\b"):
        env_file.parse(text.encode())


def test_a_byte_that_is_no_text_is_named_by_its_line() -> None:
    with pytest.raises(InvalidInput, match=r"^line 3 is no text"):
        env_file.parse(b"A=1\nB=2\nC=\xff\xfe\n")


@pytest.mark.parametrize("text", ["postgres://u:hunter2@h/?x=1", "hunter2", "A='hunter2' hunter2", "hunter2-x=hunter2"])
def test_no_refusal_shows_what_may_be_a_secret(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        env_file.parse(text.encode())
    assert "hunter2" not in f"{refused.value.message} {refused.value.remedy}"


@given(st.dictionaries(st.from_regex(r"[B-Z][A-Z_]{0,8}", fullmatch=True), st.text(), max_size=4))
def test_what_is_quoted_comes_back(variables: dict[str, str]) -> None:
    variables.pop("PORT", None)
    kept = {name: value.replace("\r", "").encode(errors="ignore").decode() for name, value in variables.items()}
    quoted = {name: value.replace("\\", r"\\").replace("'", r"\'") for name, value in kept.items()}
    text = "".join(f"{name}='{value}'\n" for name, value in quoted.items())
    assert env_file.parse(text.encode()) == kept
