"""A Dockerfile is read as BuildKit reads it; what versions read differently is refused."""

from __future__ import annotations

import contextlib

import pytest

from slipway.core.build.dockerfile import MAX_BYTES, Dockerfile, parse
from slipway.core.build.dockerfile_policy import Rules, foreign_images
from slipway.errors import InvalidInput

LARGE = MAX_BYTES - 100


def read(text: str) -> Dockerfile:
    return parse(text.encode())


def keywords(text: str) -> list[str]:
    return [each.keyword for each in read(text).instructions]


def test_instructions_have_keyword_flags_arguments_and_line() -> None:
    run = read("from python\n\nrun --mount=type=cache,target=/x --network=none   pip install .\n").instructions[1]
    assert (run.keyword, run.line) == ("RUN", 3)
    assert run.flags == ("--mount=type=cache,target=/x", "--network=none")
    assert run.arguments == "pip install ."


def test_continuations_skip_comments_and_empty_lines() -> None:
    text = "FROM python\nRUN apt-get install \\\n  # the compiler\n\n  gcc \\\n  make\nUSER 1\n"
    instructions = read(text).instructions
    assert instructions[1].arguments == "apt-get install   gcc   make"
    assert instructions[2].keyword == "USER"


def test_the_escape_directive_changes_what_continues() -> None:
    assert keywords("# escape=`\nFROM python\nRUN dir C:\\\nUSER 1\n") == ["FROM", "RUN", "USER"]
    assert keywords("# escape=`\nFROM python\nRUN a `\nUSER 1\n") == ["FROM", "RUN"]


def test_flags_are_unquoted_as_buildkit_does() -> None:
    copy = read("FROM python\nCOPY --from=\"slip\"'way/x' a b\n").instructions[1]
    assert copy.flag_values("from") == ["slipway/x"]


def test_a_from_in_a_heredoc_is_text() -> None:
    text = "FROM python\nRUN <<EOF\nFROM other\nEOF\nCOPY <<-A <<B /x/\n\tFROM one\n\tA\nFROM two\nB\nUSER 1\n"
    assert keywords(text) == ["FROM", "RUN", "COPY", "USER"]
    assert read(text).heredocs


@pytest.mark.parametrize(
    "run",
    [
        'RUN echo "x" <<EOF',
        "RUN echo ${X:- <<EOF }",
        "RUN a\\ <<EOF",
        'RUN <<"A B"',
        "RUN echo 1<<2x$",
    ],
)
def test_what_may_or_may_not_open_a_heredoc_is_refused(run: str) -> None:
    with pytest.raises(InvalidInput, match="line 2"):
        read(f"FROM python\n{run}\nFROM victim\nEOF\n")


@pytest.mark.parametrize("run", ['RUN cat <<< "x"', "RUN echo $((1 << 2))", 'RUN ["echo", "<<EOF"]', "CMD <<EOF"])
def test_what_only_looks_like_a_heredoc_hides_nothing(run: str) -> None:
    assert keywords(f"FROM python\n{run}\nFROM victim\n") == ["FROM", run.split(maxsplit=1)[0], "FROM"]


def test_two_escape_characters_at_the_end_are_refused() -> None:
    with pytest.raises(InvalidInput, match="two escape characters"):
        read("FROM python\nRUN echo \\\\\nFROM victim\n")


@pytest.mark.parametrize(
    "text",
    [
        "FROM python\nFORM python\n",
        "// syntax=evil/frontend\nFROM python\n",
        '{"syntax": "evil/frontend"}\nFROM python\n',
        "#!/bin/sh\nRUN true\n",
        "RUN true\n",
        "",
    ],
)
def test_what_is_no_dockerfile_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        read(text)


def test_text_that_is_not_utf8_is_refused() -> None:
    with pytest.raises(InvalidInput, match="UTF-8"):
        parse(b"FROM python\nLABEL x=\xff\n")


def test_directives_are_read_with_bom_spaces_and_carriage_returns() -> None:
    found = parse(b"\xef\xbb\xbf#  SYNTAX = docker/dockerfile:1\r\n# check=skip=all\r\nFROM python\r\n")
    assert found.syntax == "docker/dockerfile:1"
    assert found.instructions[0].arguments == "python"


@pytest.mark.parametrize("between", ["\n", "# a comment\n"])
def test_a_syntax_line_that_comes_late_is_refused(between: str) -> None:
    with pytest.raises(InvalidInput, match="very top"):
        read(f"{between}# syntax=evil/frontend\nFROM python\n")


def test_a_syntax_line_after_the_first_instruction_is_a_comment() -> None:
    assert read("FROM python\n# syntax=evil/frontend\n").syntax is None


def test_a_directive_twice_is_refused() -> None:
    with pytest.raises(InvalidInput, match="twice"):
        read("# syntax=docker/dockerfile:1\n# syntax=evil/frontend\nFROM python\n")


def test_the_text_without_its_syntax_keeps_its_line_numbers() -> None:
    found = read("# syntax=docker/dockerfile:1\n# escape=`\nFROM python\nRUN a `\n b\n")
    assert found.text(syntax=None).splitlines()[:3] == ["# escape=`", "#", "FROM python"]
    assert found.text(syntax="docker/dockerfile:1").splitlines()[:2] == ["# syntax=docker/dockerfile:1", "# escape=`"]
    assert parse(found.text(syntax=None).encode()).instructions == found.instructions


def test_it_says_what_only_a_newer_frontend_reads() -> None:
    newer = read("FROM python\nCOPY --link a b\nCOPY --chmod=1 a b\nRUN <<E\nE\n").needs_newer()
    assert [each.split(" (")[0] for each in newer] == ["--link", "a heredoc"]


@pytest.mark.parametrize("letter", ["\x00", "\x0b", "\x1c", "\x1f"])
def test_control_characters_that_could_hide_a_comments_beginning_are_refused(letter: str) -> None:
    with pytest.raises(InvalidInput, match="control characters"):
        read(f"FROM python\nRUN a \\\n{letter}# b\nFROM victim\n")


@pytest.mark.parametrize(
    "text",
    [
        f"# a=x{' ' * LARGE}x\nFROM python\n",
        f"FROM python\nRUN {' '.join(f'<<a{number}' for number in range(LARGE // 9))}\n",
        f"FROM python\nADD {'a-' * (LARGE // 2)} .\n",
        f"FROM python\nCOPY --from={'1' * 5000} a b\n",
    ],
    ids=["directive", "heredocs", "add", "stage"],
)
def test_a_long_line_holds_nothing_up_and_is_no_fault_of_ours(text: str) -> None:
    with contextlib.suppress(InvalidInput):
        foreign_images(read(text), Rules(frozenset(), frozenset()), {})
