"""docs/reference/cli.md, made from the commands: `python -m slipway.cli.reference > docs/reference/cli.md`."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator

import click

from slipway.cli import SECTIONS, slipway

_INTRODUCTION = """# The `slipway` command

Made from the code by `python -m slipway.cli.reference`; `slipway COMMAND --help` says the same.

It is a client of the [REST API](api.md); `slipway doctor` and `slipway tokens create --tenant` alone work on the host
itself.

**Which app.** `-a APP`, else `SLIPWAY_APP`, else `app` in the folder's [`slipway.toml`](slipway-toml.md), else the app
that is made from the folder's git remote `origin`; of several, the one that deploys the branch that is checked out.
`slipway env -a shop set …` and `slipway env set -a shop …` are the same.

**Who and where.** What `slipway login` kept in `~/.config/slipway/login.json` (mode 0600), else `SLIPWAY_URL` and
`SLIPWAY_TOKEN`, which win. A kept token is only ever sent to the address that it was given for. `SLIPWAY_CONFIG_DIR` is
another folder for it. `SLIPWAY_TOKEN` may also be a person's access token; `SLIPWAY_TENANT` names the tenant of people
who are in several, else the one of `slipway login --tenant`. [Signing in through the
browser](../guide/sign-on.md#the-command-line).

**For machines.** Every command takes `--json` and then prints the API's own document, with exact times; errors are then
problem documents on standard error. `slipway logs -f --json` prints a document a line. Colours and the turning sign are
for terminals only, and `NO_COLOR` turns colours off; in a pipe a deployment is one line a step.

| exit code | means |
| --- | --- |
| 0 | done; a deployment that was watched is live, or there was nothing to do |
| 1 | failed |
| 2 | wrong usage, or input that breaks a rule |
| 3 | not signed in |
| 4 | not found |
| 5 | refused: the token's role, or a policy |
| 6 | timed out; what was waited for goes on |
"""


def reference() -> str:
    """The Markdown page."""
    parts = [_INTRODUCTION]
    for title, commands in SECTIONS.items():
        parts.append(f"## {title}\n")
        for each in commands:
            parts += _command(each, _context(each, f"slipway {each.name}"))
    return "\n".join(parts)


def paths(group: click.Group = slipway, above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command with the words that call it."""
    for name, each in group.commands.items():
        yield (*above, name), each
        if isinstance(each, click.Group):
            yield from paths(each, (*above, name))


def _context(each: click.Command, called: str) -> click.Context:
    """With the settings that every command runs under: a command remembers the first help option that it made."""
    return click.Context(each, info_name=called, **slipway.context_settings)


def _command(each: click.Command, context: click.Context) -> Iterator[str]:
    usage = " ".join(piece for piece in each.collect_usage_pieces(context) if piece not in ("COMMAND [ARGS]...",))
    yield f"### `{context.info_name} {usage}`".replace(" [OPTIONS]", "") + "\n"
    yield _text(each) + "\n"
    options = list(_options(each, context))
    if options:
        yield "\n".join(options) + "\n"
    if isinstance(each, click.Group):
        for name, verb in each.commands.items():
            yield from _command(verb, _context(verb, f"{context.info_name} {name}"))


def _text(each: click.Command) -> str:
    """Its help; what stands behind a `\\b` is kept as it is."""
    paragraphs = inspect.cleandoc(each.help or "").split("\n\n")
    return "\n\n".join(_block(text) if text.startswith("\b") else text for text in paragraphs)


def _block(text: str) -> str:
    return "```\n" + text.removeprefix("\b").strip("\n") + "\n```"


def _options(each: click.Command, context: click.Context) -> Iterator[str]:
    for parameter in each.params:
        record = parameter.get_help_record(context)
        if record and record[1] and parameter.name != "as_json":
            yield f"- `{record[0]}`: {record[1].replace('  [', ' [')}"


if __name__ == "__main__":
    sys.stdout.write(reference())
