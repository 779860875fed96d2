"""`python3 -m slipway.host <command>`: what the Makefile calls."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence

from slipway import settings as slipway_settings
from slipway.errors import SlipwayError
from slipway.host import checkout
from slipway.host.commands import Commands
from slipway.host.installation import Installation
from slipway.host.packages import Packages, UnsupportedHost
from slipway.host.requirements import Group
from slipway.host.venv import Venv
from slipway.settings import Settings


def install(settings: Settings, options: argparse.Namespace) -> int:
    groups: list[Group] = ["run", *options.groups]
    commands = Commands()
    venv = Venv(commands, checkout.ROOT)
    Installation(commands, settings, venv, Packages(commands), say).run(groups)
    return 0


def say(line: str) -> None:
    print(line, flush=True)


COMMANDS: Mapping[str, tuple[Callable[[Settings, argparse.Namespace], int], str]] = {
    "install": (install, "install what this host lacks, saying first what"),
}


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="python3 -m slipway.host", description=__doc__)
    verbs = top.add_subparsers(dest="command", required=True)
    for name, (_, about) in COMMANDS.items():
        verb = verbs.add_parser(name, help=about)
        if name == "install":
            verb.add_argument("groups", nargs="*", choices=["test", "bench", []], help="also what these need")
        if name == "run":
            verb.add_argument("argv", nargs=argparse.REMAINDER, help="program and arguments, after --")
    return top


def main(argv: Sequence[str] | None = None) -> int:
    options = parser().parse_args(argv)
    try:
        environment = slipway_settings.environment(checkout.ENV_FILE, checkout.default_state_dir())
        return COMMANDS[options.command][0](slipway_settings.load(environment), options)
    except SlipwayError as error:
        print(f"✘ {error.message}", file=sys.stderr)
        if error.remedy:
            print(f"  {error.remedy}", file=sys.stderr)
        return 2 if isinstance(error, UnsupportedHost) else 1


if __name__ == "__main__":
    sys.exit(main())
