"""`python -m slipway.demo`: start the platform and push a sample app to it. `… stop` ends the demo's forge."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Mapping, Sequence

from slipway import settings as slipway_settings
from slipway.demo.forge.process import ForgeProcess, port_for
from slipway.demo.next_steps import GIT_HOSTS, User, keep_permission, next_steps
from slipway.demo.progress import Progress
from slipway.demo.sample import EXAMPLES, Example
from slipway.demo.walk import Walk, hosts_with, working_folder
from slipway.errors import DeploymentFailed, InvalidInput, SlipwayError
from slipway.host import checkout
from slipway.host.install.command_link import CommandLink
from slipway.settings import OFF, Settings

DEFAULT_PORT = 8085


def main(argv: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(argv)
    progress = Progress(sys.stdout)
    try:
        environment = slipway_settings.environment(checkout.ENV_FILE, checkout.default_state_dir())
        settings = slipway_settings.load(environment)
        folder = working_folder(settings) / "forge"
        forge = ForgeProcess(folder, options.port or port_for(folder, DEFAULT_PORT))
        if options.command == "stop":
            progress.line("forge stopped" if forge.stop() else "the forge did not run")
            return 0
        example = _example(options.example)
        if options.up:
            hosts = ",".join(hosts_with(settings, forge.address))
            keep_permission(environment, hosts, progress, checkout.ENV_FILE)
            environment[GIT_HOSTS] = hosts
            settings = slipway_settings.load(environment)
            if _up(environment):
                return 1
        address = Walk(settings, forge, progress, environment, example).run()
        private = _private_app(settings, forge, progress, environment) if settings.keycloak != OFF else ()
        user = User(environment, settings.public_url, forge.folder / "token", CommandLink(checkout.ROOT).command)
        next_steps(user, example.name, forge.url, progress)
        for line in (*private, f"live: {address}"):
            progress.line(line)
    except SlipwayError as error:
        _explain(error, progress)
        return 1
    return 0


def _private_app(
    settings: Settings, forge: ForgeProcess, progress: Progress, environment: Mapping[str, str]
) -> tuple[str, str]:
    """A second app, which only members of the demo's tenant may see, and one of them: the lines that say so."""
    from slipway.demo.person import ensure_person  # noqa: PLC0415  Keycloak's client is for those who have sign-on

    address = Walk(settings, forge, progress, environment, EXAMPLES["private"]).run()
    login, password = ensure_person(settings, forge.folder)
    return f"sign in: {settings.public_url} as {login} / {password}", f"private: {address}"


def _example(name: str) -> Example:
    if name in EXAMPLES:
        return EXAMPLES[name]
    choice = ", ".join(f"make demo EXAMPLE={each}" for each in sorted(EXAMPLES))
    raise InvalidInput(f"there is no example {name!r} to push", remedy=choice)


def _up(environment: Mapping[str, str]) -> int:
    """Have the platform run, allowed to fetch from the forge: which is an address inside this host, so that it is not
    allowed by itself. It says itself what went wrong."""
    return subprocess.run([sys.executable, "-m", "slipway.host", "up"], env=environment, check=False).returncode


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
    parser.add_argument("--example", default="hello", help="the folder of examples/ to push")
    parser.add_argument("--port", type=int, help=f"port of the demo's forge on 127.0.0.1 ({DEFAULT_PORT}, or the next)")
    parser.add_argument(
        "--no-up", dest="up", action="store_false", help="the platform runs, and may fetch from 127.0.0.1:<port>"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
