"""What the docs name exists: commands, options, verbs of the Makefile, settings, files and headings. And the other way
round, where a page is made from the code."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import click
import pytest

from slipway.cli import slipway
from slipway.cli.reference import reference
from slipway.settings import CLIENT_KEYS, PREFIX, Settings

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
_FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_SETTING = re.compile(r"\bSLIPWAY_[A-Z0-9_]*[A-Z0-9]\b")
_MAKE = re.compile(r"make ([a-z][a-z-]*)$|make ([a-z][a-z-]*) ")
_END = re.compile(r"\s(?:#|&&|;|\||>|2>)(?:\s.*)?$")
_PLACEHOLDER = re.compile(r"…|\.\.\.$")
pytestmark = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def test_every_slipway_command_line_can_be_called(page: Path) -> None:
    for line in _commands(page.read_text()):
        try:
            words = shlex.split(line)
        except ValueError:
            pytest.fail(f"{line!r} is no command line")
        if problem := _misunderstood(words[1:]):
            pytest.fail(f"{line!r}: {problem}")


def test_every_make_verb_is_in_the_makefile(page: Path) -> None:
    known = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {first or second for line in _code(page.read_text()) for first, second in _MAKE.findall(f"{line} ")}
    assert named <= known


def test_every_setting_is_one(page: Path) -> None:
    known = {PREFIX + each.name.upper() for each in fields(Settings)} | CLIENT_KEYS
    assert set(_SETTING.findall(page.read_text())) <= known


def test_every_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    for target in _LINK.findall(_FENCE.sub("", page.read_text())):
        path, _, heading = target.partition("#")
        if ":" in path:
            continue
        to = (page.parent / path).resolve() if path else page
        assert to.exists(), f"{target} leads nowhere"
        if heading:
            assert heading in _anchors(to.read_text()), f"{target} has no such heading"


def test_the_page_of_the_command_is_the_codes(page: Path) -> None:
    if page.name == "cli.md":
        assert page.read_text() == reference(), "python -m slipway.cli.reference > docs/reference/cli.md"


def _code(text: str) -> Iterator[str]:
    """Every line of code: in fences, and in backquotes."""
    for fence in _FENCE.findall(text):
        for line in fence.splitlines()[1:-1]:
            yield re.sub(r"^[$#] ", "", line.strip())
    yield from (each.strip() for each in _CODE.findall(_FENCE.sub("", text)))


def _commands(text: str) -> Iterator[str]:
    for line in _code(text):
        command = _END.sub("", line).strip()
        if re.match(r"slipway( |$)", command):
            yield command


def _misunderstood(words: list[str]) -> str:
    """Why the command would not understand them; empty when it would. What stands for something, such as `…`, is taken
    for it, and operands may be left out: prose names commands without them."""
    command: click.Command = slipway
    context = click.Context(command, info_name="slipway")
    while words and isinstance(command, click.Group):
        options = [each for each in command.params if isinstance(each, click.Option)]
        words = _without_options(words, options)
        if not words or _PLACEHOLDER.fullmatch(words[0]) or words[0].isupper():
            return ""
        found = command.get_command(context, words[0])
        if found is None:
            return f"{words[0]} is no command of {command.name}"
        command, words = found, words[1:]
    if "--" in words:
        words = words[: words.index("--")]  # the rest is another program's
    known = {flag for each in command.params for flag in (*each.opts, *each.secondary_opts)} | {"-h", "--help"}
    known |= {"--version"} if command is slipway else set()
    flags = [word.partition("=")[0] for word in words if re.match(r"--?[a-z]", word)]
    return next((f"{flag} is no option of {command.name}" for flag in flags if flag not in known), "")


def _without_options(words: list[str], options: list[click.Option]) -> list[str]:
    """The words after a noun's own options."""
    while words and words[0].startswith("-"):
        option = next((each for each in options if words[0] in each.opts), None)
        words = words[1 if option is None or option.is_flag else 2 :]
    return words


def _anchors(text: str) -> set[str]:
    """As GitHub and MkDocs make them of headings."""
    headings = re.findall(r"^#+ (.+)$", _FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings}
