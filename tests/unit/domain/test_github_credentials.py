"""With what a repository's forge is reached: the app's own credential, or a token of the tenant's installation."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from slipway import settings
from slipway.adapters.vault import HOOKS, VALUES, Vault, create_key_file
from slipway.core.github.app_events import InstallationChange, InstallationState
from slipway.core.github.manifest import Purpose
from slipway.db import Database
from slipway.domain.audit import Actor
from slipway.domain.github import app as github_app
from slipway.domain.github import installations
from slipway.domain.github.app import AppOfPlatform
from slipway.domain.github.credentials import ForgeCredentials
from slipway.domain.github.sources import InstallationSources
from slipway.errors import Conflict, DeploymentFailed, GitHubRefused
from slipway.ports.building import Repository
from tests.fixtures.github.server import GitHub, github
from tests.fixtures.rows import add_tenant

KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nx\n-----END OPENSSH PRIVATE KEY-----"


class Rig:
    def __init__(self, url: str, folder: Path, hub: GitHub) -> None:
        chosen = settings.load({"SLIPWAY_STATE_DIR": str(folder), "SLIPWAY_DATABASE_URL": url})
        chosen.key_dir.mkdir()
        for name in (HOOKS, VALUES):
            create_key_file(chosen.key_dir / name)
        values = Vault(chosen.key_dir / VALUES)
        self.db, self.hub = Database(url), hub
        self.acme, self.globex = add_tenant(self.db, "acme"), add_tenant(self.db, "globex")
        github_app.keep(self.db, values, Vault(chosen.key_dir / HOOKS), hub.registration, "secret")
        self.credentials = ForgeCredentials(self.db, AppOfPlatform(self.db, chosen, values))
        self.url = f"{hub.url}/acme/shop.git"

    def connect(self, tenant_id: int, number: int = 55) -> None:
        with self.db.write(tenant_id=tenant_id) as session:
            actor = Actor("a test")
            installations.connect(
                session, tenant_id, actor, number=number, account="acme", selection="all", login="ann"
            )

    def change(self, state: InstallationState) -> None:
        with self.db.write(tenant_id=self.acme) as session:
            installations.follow(session, 55, InstallationChange(state, "", ""))


@pytest.fixture
def rig(sqlite_url: str, tmp_path: Path) -> Iterator[Rig]:
    with github() as hub:
        hub.add_installation(55, "acme", "shop")
        made = Rig(sqlite_url, tmp_path, hub)
        yield made
        made.db.dispose()
        assert hub.faults == []


def test_a_private_repository_is_read_with_a_token_of_the_installation(rig: Rig) -> None:
    rig.connect(rig.acme)
    found = rig.credentials.for_clone(rig.acme, rig.url, None)
    assert rig.hub.tokens[str(found.value)]["permissions"] == {"contents": "read"}


def test_another_tenants_app_on_the_same_repository_gets_nothing(rig: Rig) -> None:
    rig.connect(rig.acme)
    rig.credentials.for_clone(rig.acme, rig.url, None)
    assert rig.credentials.for_clone(rig.globex, rig.url, None).value is None
    assert rig.credentials.for_api(rig.globex, rig.url, None, Purpose.COMMENT) is None


def test_an_installation_is_one_tenants(rig: Rig) -> None:
    rig.connect(rig.acme)
    with pytest.raises(Conflict):
        rig.connect(rig.globex)


def test_the_apps_own_credential_goes_first(rig: Rig) -> None:
    rig.connect(rig.acme)
    assert rig.credentials.for_clone(rig.acme, rig.url, "own").value == "own"
    assert rig.credentials.for_clone(rig.acme, rig.url, KEY).value == KEY
    assert rig.credentials.for_api(rig.acme, rig.url, "user:own", Purpose.COMMENT) == "own"
    assert rig.hub.requests == []


def test_a_deploy_key_is_none_for_the_api(rig: Rig) -> None:
    rig.connect(rig.acme)
    found = rig.credentials.for_api(rig.acme, rig.url, KEY, Purpose.COMMENT)
    assert rig.hub.tokens[str(found)]["permissions"] == {"pull_requests": "write"}


@pytest.mark.parametrize(
    "repository",
    [
        "https://github.com/acme/shop.git",
        "http://127.0.0.1:1/acme/shop.git",
        "http://127.0.0.1/acme/shop.git",
        "git@127.0.0.1:acme/shop.git",
        "no address",
    ],
)
def test_a_token_goes_to_the_apps_own_github_alone(rig: Rig, repository: str) -> None:
    rig.connect(rig.acme)
    assert rig.credentials.for_clone(rig.acme, repository, None).value is None


@pytest.mark.parametrize(
    ("state", "cause"),
    [
        (InstallationState.SUSPENDED, "the GitHub App's installation for acme is suspended"),
        (InstallationState.REMOVED, "the GitHub App was uninstalled from acme"),
    ],
)
def test_a_clone_that_fails_says_why_the_app_gave_no_token(rig: Rig, state: InstallationState, cause: str) -> None:
    rig.connect(rig.acme)
    rig.change(state)
    sources = InstallationSources(cast(Any, Private()), rig.credentials)
    with pytest.raises(DeploymentFailed) as failed:
        sources.resolve(Repository(rig.url, None, tenant_id=rig.acme), "main")
    assert failed.value.message == f"github has no such repository; {cause}"
    assert failed.value.remedy.splitlines()[-1] == "give a token"
    with pytest.raises(GitHubRefused):
        rig.credentials.for_api(rig.acme, rig.url, None, Purpose.COMMENT)


def test_a_public_repository_is_read_while_github_gives_no_token(rig: Rig) -> None:
    rig.connect(rig.acme)
    rig.hub.is_down = True
    sources = InstallationSources(cast(Any, Public()), rig.credentials)
    assert sources.resolve(Repository(rig.url, None, tenant_id=rig.acme), "main") == "a" * 40


class Private:
    def resolve(self, repository: Repository, _ref: str) -> str:
        assert repository.credential is None
        raise DeploymentFailed("clone-refused", "github has no such repository", remedy="give a token")


class Public:
    def resolve(self, repository: Repository, _ref: str) -> str:
        assert repository.credential is None
        return "a" * 40


def test_which_account_may_deliver_a_repositorys_pushes_is_known_until_it_is_removed(rig: Rig) -> None:
    rig.connect(rig.acme)
    api, identity = rig.hub.registration.api, f"{rig.hub.url.removeprefix('http://')}/acme/shop"
    for tenant, account in ((rig.acme, "acme"), (rig.globex, "")):
        with rig.db.read(tenant_id=tenant) as session:
            assert installations.account_of(session, api, identity) == account
    rig.change(InstallationState.REMOVED)
    with rig.db.read(tenant_id=rig.acme) as session:
        assert installations.account_of(session, api, identity) == ""
