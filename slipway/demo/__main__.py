"""`python -m slipway.demo`: start the platform and push a sample app to it. `… stop` ends what it left running."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from slipway import settings as slipway_settings
from slipway.demo.authority import platform_settings
from slipway.demo.authority.process import AuthorityProcess
from slipway.demo.calls import Calls
from slipway.demo.forge.process import ForgeProcess, port_for
from slipway.demo.next_steps import GIT_HOSTS, User, keep_settings, next_steps
from slipway.demo.own_domains import Edge, OwnDomains
from slipway.demo.progress import Progress
from slipway.demo.sample import EXAMPLES, Example
from slipway.demo.walk import Walk, hosts_with, working_folder
from slipway.errors import DeploymentFailed, InvalidInput, SlipwayError
from slipway.host import checkout
from slipway.host.install.command_link import CommandLink
from slipway.settings import OFF, Settings, address_of

DEFAULT_PORT = 8085


def main(argv: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(argv)
    progress = Progress(sys.stdout)
    try:
        environment = slipway_settings.environment(checkout.ENV_FILE, checkout.default_state_dir())
        settings = slipway_settings.load(environment)
        folder = working_folder(settings)
        forge = ForgeProcess(folder / "forge", options.port or port_for(folder / "forge", DEFAULT_PORT))
        authority = AuthorityProcess(folder / "authority")
        if options.command == "stop":
            _stop(forge, authority, progress)
            return 0
        return _run(options, Demo(environment, settings, forge, authority, progress))
    except SlipwayError as error:
        _explain(error, progress)
        return 1


@dataclass(frozen=True, slots=True)
class Demo:
    """What a run of the demo works with."""

    environment: dict[str, str]
    settings: Settings
    forge: ForgeProcess
    authority: AuthorityProcess
    progress: Progress

    def walk(self, example: Example) -> Walk:
        return Walk(self.settings, self.forge, self.progress, self.environment, example)

    def with_settings(self, wanted: Mapping[str, tuple[str, str]]) -> Demo:
        """The same with these settings, which are kept for a later `make up`."""
        keep_settings(self.environment, wanted, self.progress, checkout.ENV_FILE)
        environment = self.environment | {name: value for name, (value, _) in wanted.items()}
        return replace(self, environment=environment, settings=slipway_settings.load(environment))


def _run(options: argparse.Namespace, demo: Demo) -> int:
    example = _example(options.example)
    if options.tls and not options.up:
        raise InvalidInput("--tls changes what the platform is set to", remedy="leave out --no-up")
    if options.up:
        demo = _set_up(demo, tls=options.tls)
        if _up(demo.environment):
            return 1
    address = demo.walk(example).run()
    private = _private_app(demo) if demo.settings.keycloak != OFF else ()
    own = _own_domains(demo, example) if options.tls else ()
    settings = demo.settings
    user = User(demo.environment, settings.public_url, demo.forge.folder / "token", CommandLink(checkout.ROOT).command)
    next_steps(user, example.name, demo.forge.url, demo.progress)
    for line in (*own, *private, f"live: {address}"):
        demo.progress.line(line)
    return 0


def _set_up(demo: Demo, *, tls: bool) -> Demo:
    """What the platform has to be set to before it starts."""
    if tls:
        platform_settings.check_no_other(demo.settings, demo.authority)
    hosts = ",".join(hosts_with(demo.settings, demo.forge.address))
    demo = demo.with_settings({GIT_HOSTS: (hosts, "so that the platform may fetch from the demo's forge")})
    if not tls:
        return demo
    if demo.authority.start(*platform_settings.edge_of(demo.settings), demo.progress.line):
        demo.progress.line(f"authority {demo.authority.pebble.directory}   (stop it with: make demo-stop)")
    return demo.with_settings(platform_settings.wanted(demo.settings, demo.authority))


def _stop(forge: ForgeProcess, authority: AuthorityProcess, progress: Progress) -> None:
    progress.line("forge stopped" if forge.stop() else "the forge did not run")
    if authority.stop():
        progress.line("authority stopped: its certificates are served on, and none is issued until make demo TLS=1")


def _own_domains(demo: Demo, example: Example) -> tuple[str, str]:
    """Domains with certificates: the lines that say how to try one."""
    address, port = platform_settings.edge_of(demo.settings)[0], address_of(demo.settings.https_listen)[1]
    token = (demo.forge.folder / "token").read_text().strip()
    edge = Edge(address, port, token if example.is_private else "")
    with Calls(demo.settings.public_url, token) as platform:
        shown = OwnDomains(platform, demo.authority, edge, example.name, demo.progress).run()
    host = urlsplit(shown).hostname
    root = demo.authority.write_root()
    return f"https: {shown}", f"  curl --cacert {root} --resolve {host}:{port}:{address} {shown}"


def _private_app(demo: Demo) -> tuple[str, str]:
    """A second app, which only members of the demo's tenant may see, and one of them: the lines that say so."""
    from slipway.demo.person import ensure_person  # noqa: PLC0415  Keycloak's client is for those who have sign-on

    address = demo.walk(EXAMPLES["private"]).run()
    login, password = ensure_person(demo.settings, demo.forge.folder)
    return f"sign in: {demo.settings.public_url} as {login} / {password}", f"private: {address}"


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
        "--tls", action="store_true", help="also show domains that get certificates, from an authority for tests"
    )
    parser.add_argument(
        "--no-up", dest="up", action="store_false", help="the platform runs, and may fetch from 127.0.0.1:<port>"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
