"""`python3 -m slipway.host <command>`: what the Makefile and the units call."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from slipway import settings as slipway_settings
from slipway.errors import HostUnready, SlipwayError
from slipway.host import checkout, keycloak
from slipway.host.commands import Commands
from slipway.host.doctor import describe as describe_findings
from slipway.host.doctor import diagnose
from slipway.host.install import language_images
from slipway.host.install.command_link import CommandLink
from slipway.host.install.engine import pick_client
from slipway.host.install.images import Images
from slipway.host.install.installation import Installation
from slipway.host.install.packages import Packages, UnsupportedHost
from slipway.host.install.requirements import Group
from slipway.host.install.venv import Venv
from slipway.host.processes.exec_service import serve
from slipway.host.processes.lifecycle import Platform, describe
from slipway.host.processes.services import SERVICES
from slipway.host.processes.units import PRODUCTION_STATE, units
from slipway.host.reference import env_example
from slipway.host.removal import Removal
from slipway.settings import LOCAL, Settings

KEYCLOAK = "SLIPWAY_KEYCLOAK"


@dataclass(frozen=True, slots=True)
class Invocation:
    """One call of a command: its arguments, the environment that it sees, and the settings read from that."""

    options: argparse.Namespace
    environment: dict[str, str]
    settings: Settings

    def platform(self) -> Platform:
        return Platform(Commands(), self.settings, self.environment, checkout.ROOT, say)


def install(invocation: Invocation) -> int:
    _install(invocation.settings, invocation.options.groups)
    return 0


def install_for_demo(invocation: Invocation) -> int:
    """A new installation gets sign-on for the demo, unless its settings say otherwise: apps of one that is in use would
    become private. A host on which Keycloak can't be had has the demo without it."""
    more = invocation.options.groups
    if KEYCLOAK in invocation.environment or invocation.settings.key_dir.exists():
        _install(invocation.settings, more)
        return 0
    try:
        _install(replace(invocation.settings, keycloak=LOCAL), more)
    except HostUnready as error:
        _install(invocation.settings, more)
        say(f"Sign-on stays off, since Keycloak can't be installed here: {error.message}")
        return 0
    checkout.keep_setting(KEYCLOAK, LOCAL, checkout.ENV_FILE)
    say(f".env      {KEYCLOAK}={LOCAL}, so that people can sign in")
    return 0


def _install(settings: Settings, more: Sequence[Group]) -> None:
    groups: list[Group] = ["run", *more]
    runs_keycloak = settings.keycloak == LOCAL
    if runs_keycloak:
        groups.append("keycloak")
    commands = Commands()
    venv = Venv(commands, checkout.ROOT)
    link = CommandLink(checkout.ROOT)
    distribution = keycloak.distribution(settings) if runs_keycloak else None
    Installation(commands, settings, venv, Packages(commands), say, link, distribution).run(groups)


def up(invocation: Invocation) -> int:
    invocation.platform().up()
    return 0


def down(invocation: Invocation) -> int:
    invocation.platform().down()
    return 0


def remove(invocation: Invocation) -> int:
    # One checkout may have several installations (tests', for one); the command's link is that of its main one.
    main_one = slipway_settings.load(slipway_settings.environment(checkout.ENV_FILE, checkout.default_state_dir(), {}))
    has_link = invocation.settings.state_dir in (main_one.state_dir, PRODUCTION_STATE)
    removal = Removal(invocation.platform(), CommandLink(checkout.ROOT) if has_link else None)
    say(removal.plan(state=invocation.options.state))
    if not invocation.options.yes and not _agrees(invocation.settings.instance):
        say("Nothing was removed.")
        return 1
    removal.run(state=invocation.options.state)
    return 0


def _agrees(instance: str) -> bool:
    print(f"Type {instance} to go on (--yes does not ask): ", end="", flush=True)
    answer = sys.stdin.readline()
    if not answer.endswith("\n"):
        print()
    return answer.strip() == instance


def status(invocation: Invocation) -> int:
    states = invocation.platform().status()
    say(describe(states))
    return 0 if states and all(state.ready for state in states) else 1


def prepare(invocation: Invocation) -> int:
    invocation.platform().prepare()
    return 0


def serve_one(invocation: Invocation) -> int:
    service = next(service for service in SERVICES if service.name == invocation.options.service)
    serve(invocation.settings, service, invocation.options.instance, invocation.environment)


def doctor(invocation: Invocation) -> int:
    findings = diagnose(invocation.settings)
    say(describe_findings(findings))
    return 0 if all(finding.ok for finding in findings) else 1


def base_images(invocation: Invocation) -> int:
    """Without an image registry: where one answers, builds pull what they name."""
    languages = invocation.options.languages or language_images.LANGUAGES
    if unknown := sorted(set(languages) - set(language_images.LANGUAGES)):
        known = ", ".join(language_images.LANGUAGES)
        raise HostUnready(f"no base image of {', '.join(unknown)} can be made here", remedy=f"name some of: {known}")
    commands, settings = Commands(), invocation.settings
    images = Images(commands, pick_client(settings, commands), settings.docker_host, settings.state_dir)
    if images.registry_answers():
        say("An image registry answers: builds pull the images that they start from.")
        return 0
    language_images.make(images, languages, say)
    return 0


def backups(invocation: Invocation) -> int:
    """Backing up, restoring, and showing what is in a backup."""
    from slipway.host.backup import verbs  # noqa: PLC0415  Python packages are installed by this very program

    carry_out = {"backup": verbs.backup, "restore": verbs.restore, "backup-show": verbs.show}[invocation.options.verb]
    carry_out(invocation.options, invocation.environment, invocation.settings, say)
    return 0


def settings_reference(_: Invocation) -> int:
    print(env_example(), end="")
    return 0


def systemd_units(invocation: Invocation) -> int:
    for name, text in units().items():
        (Path(invocation.options.folder) / name).write_text(text)
    return 0


def run(invocation: Invocation) -> int:
    argv = invocation.options.argv
    try:
        os.execvpe(argv[0], argv, invocation.environment)  # noqa: S606 - no shell is what is wanted
    except OSError as error:
        raise HostUnready(f"{argv[0]} can't be run: {error.strerror}") from error


@dataclass(frozen=True, slots=True)
class Verb:
    """A command: what it does, its help, its arguments. `.env` is read unless who starts it gives all settings."""

    carry_out: Callable[[Invocation], int]
    about: str
    arguments: tuple[tuple[str, dict[str, object]], ...] = ()
    env_file: Path | None = field(default=checkout.ENV_FILE)


_BACKUP: tuple[tuple[str, dict[str, object]], ...] = (
    ("file", {"help": "the backup"}),
    ("--key", {"type": Path, "help": "file with the passphrase or key that it is encrypted with"}),
)

VERBS = {
    "install": Verb(
        install,
        "install what this host lacks, saying first what",
        (("groups", {"nargs": "*", "metavar": "test|acme|bench|browser|keycloak|go", "help": "also what these need"}),),
    ),
    "install-for-demo": Verb(
        install_for_demo,
        "the same, with sign-on where nothing is installed yet",
        (("groups", {"nargs": "*", "metavar": "go", "help": "also what these need"}),),
    ),
    "up": Verb(up, "start the platform, or take over changed settings and code"),
    "down": Verb(down, "stop the platform; apps' containers keep running"),
    "remove": Verb(
        remove,
        "take this installation off the host; its state stays",
        (
            ("--yes", {"action": "store_true", "help": "do not ask"}),
            ("--state", {"action": "store_true", "help": "also the database, keys, logs and apps' volumes: for good"}),
        ),
    ),
    "status": Verb(status, "what runs, and whether it answers"),
    "prepare": Verb(prepare, "folders, keys, Engine, database schema: what comes before any service", env_file=None),
    "serve": Verb(
        serve_one,
        "become one service, after what is left of its last run is gone",
        (
            ("service", {"choices": [service.name for service in SERVICES]}),
            ("instance", {"type": int, "nargs": "?", "default": 0}),
        ),
        env_file=None,
    ),
    "doctor": Verb(doctor, "check this host, with a remedy for each finding"),
    "base-images": Verb(
        base_images,
        "make base images of languages, where no image registry answers",
        (("languages", {"nargs": "*", "metavar": "|".join(language_images.LANGUAGES), "help": "which; else all"}),),
    ),
    "backup": Verb(
        backups,
        "write the whole installation into one encrypted file, while it runs on",
        (
            *_BACKUP,
            ("--without-images", {"action": "store_true", "help": "leave releases' images out"}),
            ("--with-volumes", {"action": "store_true", "help": "also apps' volumes, as they are at that moment"}),
        ),
    ),
    "restore": Verb(backups, "make an installation of a backup, in an empty state folder", _BACKUP),
    "backup-show": Verb(backups, "verify a backup and say what is in it; restores nothing", _BACKUP),
    "settings-reference": Verb(settings_reference, "print .env.example"),
    "systemd-units": Verb(systemd_units, "write the units of a production host", (("folder", {}),)),
    "run": Verb(run, "run a program with the settings of .env", (("argv", {"nargs": "+"}),)),
}


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="python3 -m slipway.host", description=__doc__)
    verbs = top.add_subparsers(dest="verb", required=True)
    for name, verb in VERBS.items():
        sub = verbs.add_parser(name, help=verb.about)
        for argument, options in verb.arguments:
            sub.add_argument(argument, **options)  # type: ignore[arg-type]
    return top


def say(line: str) -> None:
    print(line, flush=True)


def main(argv: Sequence[str] | None = None) -> int:
    options = parser().parse_args(argv)
    verb = VERBS[options.verb]
    try:
        environment = slipway_settings.environment(verb.env_file, checkout.default_state_dir())
        return verb.carry_out(Invocation(options, environment, slipway_settings.load(environment)))
    except SlipwayError as error:
        print(f"✘ {error.message}", file=sys.stderr)
        if error.remedy:
            print(f"  {error.remedy}", file=sys.stderr)
        return 2 if isinstance(error, UnsupportedHost) else 1


if __name__ == "__main__":
    sys.exit(main())
