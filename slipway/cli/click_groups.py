"""Groups of commands: the whole command in sections, and the nouns (`apps`, `env`) with their verbs."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import click

_NEAR = 0.8
"""How similar a word must be to a verb to count as a typing error: `creat` is, an app called `shop` is not."""


class Unread(Exception):
    """The reader of the output has closed its pipe."""


class Sections(click.Group):
    """Lists its commands by what they are for. A closed pipe raises `Unread`, because click would call it a failure."""

    def __init__(self, *args: Any, **values: Any) -> None:
        super().__init__(*args, **values)
        self.sections: dict[str, list[str]] = {}

    def make_context(self, *args: Any, **values: Any) -> click.Context:
        with _reader():
            return super().make_context(*args, **values)

    def invoke(self, ctx: click.Context) -> Any:
        with _reader():
            return super().invoke(ctx)

    def add_section(self, title: str, commands: Iterable[click.Command]) -> None:
        for each in commands:
            self.add_command(each)
            self.sections.setdefault(title, []).append(str(each.name))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        near = difflib.get_close_matches(args[0], self.commands, n=1, cutoff=_NEAR)
        if args[0] in self.commands or not near:
            return super().resolve_command(ctx, args)
        meant = " ".join((ctx.command_path, *near, *args[1:]))
        raise click.UsageError(f"{args[0]!r} is no command. Did you mean: {meant}", ctx)

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        limit = formatter.width - 6 - max(len(name) for name in self.commands)
        for title, names in self.sections.items():
            with formatter.section(title):
                formatter.write_dl([(name, self.commands[name].get_short_help_str(limit)) for name in names])


class Noun(click.Group):
    """A noun alone lists; with a verb it acts. Another word is an error, whose message shows what `instead` says."""

    def __init__(self, name: str | None = None, *, instead: str = "", **values: Any) -> None:
        super().__init__(name, **values)
        self.invoke_without_command = True
        self.no_args_is_help = False
        self.instead = instead

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            if not self.instead or args[0].startswith("-"):
                raise
            near = difflib.get_close_matches(args[0], self.commands, n=1, cutoff=_NEAR)
            meant = " ".join((ctx.command_path, *near, *args[1:])) if near else self.instead.format(args[0])
            raise click.UsageError(f"{args[0]!r} is no command here. Did you mean: {meant}", ctx) from error


def noun(name: str | None = None, *, instead: str = "") -> Callable[[Callable[..., Any]], Noun]:
    """A group that lists when it is called alone."""
    return click.group(name, cls=Noun, instead=instead)


@contextmanager
def _reader() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError as error:
        raise Unread from error
