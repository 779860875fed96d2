"""`python -m slipway.demo`: push a sample app to the running platform. `… stop` ends the demo's forge."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from slipway import settings as slipway_settings
from slipway.demo.forge_process import ForgeProcess
from slipway.demo.progress import Progress
from slipway.demo.walk import Walk, working_folder
from slipway.errors import DeploymentFailed, SlipwayError

DEFAULT_PORT = 8085


def main(argv: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(argv)
    progress = Progress(sys.stdout)
    try:
        settings = slipway_settings.load()
        forge = ForgeProcess(working_folder(settings) / "forge", options.port)
        if options.command == "stop":
            progress.line("forge stopped" if forge.stop() else "the forge did not run")
            return 0
        progress.line(f"live: {Walk(settings, forge, progress).run()}")
    except SlipwayError as error:
        _explain(error, progress)
        return 1
    return 0


def _explain(error: SlipwayError, progress: Progress) -> None:
    if isinstance(error, DeploymentFailed):
        if error.tail:
            progress.line("\n" + "\n".join(f"  {line}" for line in error.tail.strip().splitlines()[-20:]) + "\n")
        progress.line(f"✘ {error.reason}")
    for line in error.message.splitlines():
        progress.line(f"  {line}" if isinstance(error, DeploymentFailed) else f"✘ {line}")
    if error.remedy:
        progress.line(f"What to do:\n  {error.remedy}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m slipway.demo", description=__doc__)
    parser.add_argument("command", nargs="?", choices=["run", "stop"], default="run")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="port of the demo's forge on 127.0.0.1")
    return parser


if __name__ == "__main__":
    sys.exit(main())
