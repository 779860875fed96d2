"""A hook deploys the apps of its repository, whichever of its addresses they have."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from slipway.adapters.vault import Vault
from slipway.db import Database
from tests.fixtures.rows import add_hook
from tests.integration.webhook.sender import Hooked, TestClientSender

Make = Callable[..., Hooked]
WEB, SSH = "http://git.example:3000/acme/hello.git", "ssh://git@git.example:2222/acme/hello.git"


@pytest.mark.parametrize(
    ("hook", "app"),
    [(WEB, SSH), (SSH, WEB), (WEB, "git@git.example:acme/hello.git"), (WEB, "https://git.example/Acme/hello")],
)
def test_an_address_with_a_port_is_of_the_same_repository_as_one_without(
    sender: TestClientSender, hooked: Make, hook: str, app: str
) -> None:
    acme = hooked(app=None, repository=hook)
    acme.add_app("hello", repository=app)
    assert sender.send(acme.hook_id).status_code == 202
    assert [each.app_id for each in acme.deployments()] == [acme.apps["hello"].id]


@pytest.mark.parametrize(
    "app",
    [
        "http://git.example:3001/acme/hello.git",
        "http://git.example.org:3000/acme/hello.git",
        "http://git.example:3000/acme/hello2.git",
        "http://git.example:3000/git/acme/hello.git",
        "http://my-git.example:3000/acme/hello.git",
    ],
)
@pytest.mark.parametrize("hook", [WEB, SSH])
def test_another_port_host_or_path_is_another_repository(
    sender: TestClientSender, hooked: Make, hook: str, app: str
) -> None:
    acme = hooked(app=None, repository=hook)
    acme.add_app("other", repository=app)
    is_same = app == "http://git.example:3001/acme/hello.git" and hook == SSH
    assert sender.send(acme.hook_id).status_code == (202 if is_same else 200)


def test_an_address_with_a_hook_of_its_own_is_deployed_by_that_one(
    sender: TestClientSender, hooked: Make, database: Database, vault: Vault
) -> None:
    acme = hooked(app="web", repository=WEB)
    acme.add_app("ssh", repository=SSH)
    own = add_hook(database, vault, acme.tenant_id, repository=SSH)
    for hook, app in ((acme.hook_id, "web"), (own, "ssh")):
        answer = sender.send(hook)
        assert answer.json is not None
        assert [made["app"] for made in answer.json["deployments"]] == [app]


def test_another_tenants_hook_takes_no_app_of_ones_own(
    sender: TestClientSender, hooked: Make, database: Database, vault: Vault
) -> None:
    acme, other = hooked(app=None, repository=WEB), hooked(app=None)
    acme.add_app("ssh", repository=SSH)
    add_hook(database, vault, other.tenant_id, repository=SSH)
    assert sender.send(acme.hook_id).status_code == 202
