"""Every command of `slipway`, called by an owner of umbrella with acme's names and numbers: it finds nothing, changes
nothing, and prints not a word of acme's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import click
import pytest

from slipway.cli import slipway
from tests.fixtures.ports import free_port
from tests.fixtures.services.router_threads import serving
from tests.integration.cli.rig import User
from tests.integration.isolation.conftest import Rig
from tests.integration.isolation.operations import spellings
from tests.integration.isolation.tenants import ACME, CANARY, OURS, THEIR_PERSON, Tenants, token_of
from tests.integration.isolation.test_operations import leaks_in

WITHOUT_THE_API: Mapping[str, str] = {
    "completion": "prints a script",
    "doctor": "looks at this host",
    "login": "keeps a login on this machine",
    "logout": "forgets it",
    "identity sync": "is the host's own",
    "users import": "is for people with the role platform-admin",
}
"""Commands that ask for nothing of a tenant's, and what they do."""
BLOCK = Path(__file__).with_name("block.pem")
"""What looks like a certificate or a key, so that it is sent."""
VARIABLES = Path(__file__).with_name("variables.env")
THEIRS: Mapping[str, tuple[str, str]] = {
    "app": ("apps", "name"),
    "name": ("apps", "name"),
    "number": ("deployments", "id"),
    "tokens revoke.number": ("tokens", "id"),
    "runs output.number": ("runs", "id"),
    "runs stop.number": ("runs", "id"),
    "previews approve.number": ("previews", "number"),
    "previews approve.commit": ("previews", "head"),
    "previews remove.number": ("previews", "number"),
    "cron run.name": ("runs", "cron"),
    "cron runs.name": ("runs", "cron"),
    "deployment": ("deployments", "id"),
    "token": ("tokens", "id"),
    "to": ("releases", "number"),
    "promote.to": ("apps", "name"),
    "hook": ("hooks", "id"),
    "host": ("domains", "host"),
    "volume": ("volumes", "id"),
    "replica": ("replicas", "id"),
    "repository": ("apps", "repository"),
    "image": ("builds", "image"),
    "tenant": ("tenants", "name"),
    "plan": ("plans", "name"),
    "publishers remove.number": ("trusted_publishers", "id"),
    "users revoke.number": ("invitations", "id"),
    "installation": ("github_installations", "id"),
    "services restore.number": ("service_tasks", "id"),
    "services download.number": ("service_tasks", "id"),
}
"""What acme has of a parameter, by its name or by that of its command with it: table and column."""
GIVEN: Mapping[str, list[str]] = {
    "login": [THEIR_PERSON],
    "caller": [THEIR_PERSON],
    "groups": [f"/tenants/{ACME}/owner"],
    "role": ["viewer"],
    "terms": ["nobody"],
    "replicas": ["2"],
    "names": ["GREETING"],
    "words": ["true"],
    "pairs": ["GREETING=x"],
    "env import.file": [str(VARIABLES)],
    "old": ["GREETING"],
    "new": ["WELCOME"],
    "settings": ["branch=next"],
    "values": ["5/60s"],
    "path": ["/"],
    "confirm": [f"{CANARY}-apps-name"],
    "limits set.name": [f"{CANARY}-limit"],
    "limits unset.name": [f"{CANARY}-limit"],
    "tokens create.name": ["new"],
    "services create.name": ["new"],
    "kind": ["redis"],
    "limit": ["5/60s"],
    "address": ["new@example.org"],
    "apps create.name": ["new"],
    "certificate_file": [str(BLOCK)],
    "key_file": [str(BLOCK)],
    "table": ["deployments", "apps", "containers", "usage", "container-days"],
}
"""What other parameters are given."""
OPTIONS = {"app", "deployment", "token", "to", "replica", "repository", "image", "caller", "groups", "confirm"}
"""Options that can name something of acme's."""


def commands(command: click.Command = slipway, path: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    if not isinstance(command, click.Group) or (command.invoke_without_command and path):
        yield " ".join(path), command
    if isinstance(command, click.Group):
        for name in command.list_commands(click.Context(command)):
            found = command.get_command(click.Context(command), name)
            assert found is not None
            yield from commands(found, (*path, name))


ALL = dict(commands())
TRIED = {path: command for path, command in ALL.items() if path not in WITHOUT_THE_API}


def values(tenants: Tenants, path: str, name: str) -> list[str]:
    for key in (f"{path}.{name}", name):
        if key in GIVEN:
            return GIVEN[key]
        if key in THEIRS:
            return [tenants.of(*THEIRS[key])[0]]
    pytest.fail(f"say in THEIRS or GIVEN of {__name__} what {name!r} of `slipway {path}` is given")


def calls(tenants: Tenants, path: str, command: click.Command) -> Iterator[list[str]]:
    """With each option that can name something of acme's in turn, and with none of them."""
    arguments = [
        value
        for each in command.params
        if isinstance(each, click.Argument) or (each.required and each.name not in OPTIONS)
        for value in _given(tenants, path, each)
    ]
    yield [*path.split(), *arguments]
    for each in command.params:
        if isinstance(each, click.Option) and each.name in OPTIONS:
            of_app = ["-a", "hello"] if each.name != "app" and _has_app(command) else []
            yield [*path.split(), *arguments, *of_app, each.opts[-1], *values(tenants, path, str(each.name))]


def _given(tenants: Tenants, path: str, parameter: click.Parameter) -> list[str]:
    found = values(tenants, path, str(parameter.name))
    return [parameter.opts[-1], *found] if isinstance(parameter, click.Option) else found


def _has_app(command: click.Command) -> bool:
    return any(each.name == "app" for each in command.params)


@pytest.fixture(scope="module")
def port(shared_rig: Rig) -> Iterator[int]:
    made = free_port()
    services = replace(
        shared_rig.services, settings=replace(shared_rig.services.settings, public_url=f"http://127.0.0.1:{made}")
    )
    with serving(services, made):
        yield made


@pytest.fixture
def owner(rig: Rig, port: int, tmp_path: Path) -> User:
    environ = {"SLIPWAY_URL": f"http://127.0.0.1:{port}"}
    return User(Anywhere(), token_of(OURS), tmp_path, environ)  # type: ignore[arg-type]  the URL is in the environment


class Anywhere:
    url = ""


def test_every_command_is_tried_or_needs_no_api() -> None:
    assert set(WITHOUT_THE_API) <= set(ALL), "a command that is no more is named in WITHOUT_THE_API"
    assert len(TRIED) > 40


@pytest.mark.parametrize("path", TRIED)
def test_a_command_shows_nothing_of_another_tenant(rig: Rig, owner: User, path: str) -> None:
    before, sent = rig.rows_of_acme(), set[str]()
    for number, argv in enumerate(calls(rig.tenants, path, TRIED[path])):
        done = owner.run(*argv, *(["--json"] if number % 2 else []))
        sent.update(spelling for each in argv for spelling in spellings(each))
        assert "This is a defect" not in done.err, (argv, done)
        assert not leaks_in(done.out + done.err, sent), (argv, done)
        if "-a" in argv and f"{CANARY}-apps-name" in argv:
            assert done.code != 0, (argv, done)
    assert rig.rows_of_acme() == before
