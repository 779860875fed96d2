"""A private repository is read by real git, with the token of a GitHub App's installation."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from slipway import settings
from slipway.adapters.linux import processes
from slipway.adapters.vault import HOOKS, VALUES, Vault, create_key_file
from slipway.db import Database
from slipway.domain.audit import Actor
from slipway.domain.github import app as github_app
from slipway.domain.github import installations
from slipway.domain.github.sources import InstallationSources, installation_sources
from slipway.errors import DeploymentFailed
from slipway.ports.building import Repository
from tests.fixtures.github.server import GitHub, github
from tests.fixtures.rows import add_tenant
from tests.forge import WorkingCopy


class Rig:
    def __init__(self, url: str, folder: Path, hub: GitHub) -> None:
        self.hub, self.db = hub, Database(url)
        environ = {
            "SLIPWAY_STATE_DIR": str(folder),
            "SLIPWAY_DATABASE_URL": url,
            "SLIPWAY_GIT_HOSTS": urlsplit(hub.url).netloc,
        }
        chosen = settings.load(environ)
        chosen.key_dir.mkdir()
        for name in (HOOKS, VALUES):
            create_key_file(chosen.key_dir / name)
        values = Vault(chosen.key_dir / VALUES)
        github_app.keep(self.db, values, Vault(chosen.key_dir / HOOKS), hub.registration, "secret")
        self.tenants = add_tenant(self.db, "acme"), add_tenant(self.db, "globex")
        self.sources: InstallationSources = installation_sources(chosen, self.db, values)
        hub.repositories = folder / "repositories"
        self.commit = self._push(folder / "copy", hub.repositories / "acme" / "shop.git")

    @staticmethod
    def _push(copy: Path, bare: Path) -> str:
        bare.mkdir(parents=True)
        subprocess.run(["git", "init", "--quiet", "--bare", str(bare)], check=True)
        made = WorkingCopy(copy)
        commit = made.commit("First", app__py="print(1)\n")
        made.git("push", "--quiet", str(bare), "HEAD:main")
        return commit

    def repository(self, tenant: int) -> Repository:
        return Repository(f"{self.hub.url}/acme/shop.git", None, tenant_id=tenant)


@pytest.fixture
def rig(sqlite_url: str, tmp_path: Path) -> Iterator[Rig]:
    with github() as hub:
        hub.add_installation(55, "acme", "shop")
        made = Rig(sqlite_url, tmp_path, hub)
        with made.db.write(tenant_id=made.tenants[0]) as session:
            installations.connect(
                session, made.tenants[0], Actor("a test"), number=55, account="acme", selection="all", login="ann"
            )
        yield made
        made.db.dispose()
        assert hub.faults == []


def test_the_tenant_that_connected_it_reads_its_repository(rig: Rig, tmp_path: Path) -> None:
    repository, into = rig.repository(rig.tenants[0]), tmp_path / "source"
    into.mkdir()
    assert rig.sources.resolve(repository, "main") == rig.commit
    rig.sources.fetch(repository, rig.commit, into, stopped=processes.never)
    assert (into / "app.py").read_text() == "print(1)\n"
    assert [each["permissions"] for each in rig.hub.tokens.values()] == [{"contents": "read"}]


def test_another_tenant_does_not(rig: Rig) -> None:
    rig.sources.resolve(rig.repository(rig.tenants[0]), "main")
    with pytest.raises(DeploymentFailed) as failed:
        rig.sources.resolve(rig.repository(rig.tenants[1]), "main")
    assert failed.value.reason == "clone-refused"


def test_a_suspended_installation_is_named_as_the_cause(rig: Rig) -> None:
    rig.hub.installations[55].is_suspended = True
    with pytest.raises(DeploymentFailed) as failed:
        rig.sources.resolve(rig.repository(rig.tenants[0]), "main")
    assert failed.value.reason == "clone-refused"
    assert "suspended" in failed.value.message
    assert failed.value.remedy.splitlines()[0].endswith("/settings/installations/55")
