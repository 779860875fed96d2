"""Registering the platform's GitHub App and connecting its installations, as the console's pages do it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import select

from router.principal import Kind, Principal
from router.services import Services
from router.usecases.access import github as usecase
from slipway import settings
from slipway.adapters.vault import HOOKS, VALUES, Vault, create_key_file
from slipway.core.access.roles import Role
from slipway.db import Database
from slipway.domain.github import app as github_app
from slipway.domain.github.app import AppOfPlatform
from slipway.errors import Conflict, GitHubRefused, NotAllowed, NotFound
from slipway.models import AuditRecord, GitHubApp
from tests.fixtures.github.server import PREFIX, GitHub, github
from tests.fixtures.rows import add_tenant


class Rig:
    def __init__(self, url: str, folder: Path, hub: GitHub) -> None:
        environ = {
            "SLIPWAY_STATE_DIR": str(folder),
            "SLIPWAY_DATABASE_URL": url,
            "SLIPWAY_GITHUB_API": hub.url + PREFIX,
            "SLIPWAY_PUBLIC_URL": "https://slipway.example",
        }
        chosen = settings.load(environ)
        chosen.key_dir.mkdir()
        for name in (HOOKS, VALUES):
            create_key_file(chosen.key_dir / name)
        self.hub, self.db = hub, Database(url)
        values, hooks = Vault(chosen.key_dir / VALUES), Vault(chosen.key_dir / HOOKS)
        made = SimpleNamespace(
            settings=chosen, db=self.db, values=values, hooks=hooks, github=AppOfPlatform(self.db, chosen, values)
        )
        self.services = cast(Services, made)
        self.ann = Principal(
            Kind.PERSON, "1", "ann", add_tenant(self.db, "acme"), "acme", Role.OWNER, platform_admin=True
        )
        self.eve = Principal(Kind.PERSON, "2", "eve", add_tenant(self.db, "globex"), "globex", Role.OWNER)

    def register(self) -> None:
        form = usecase.begin_registration(self.services, self.ann, "", is_public=True)
        usecase.finish_registration(self.services, self.ann, "good-code", state_in(form.url))

    def connect(self, principal: Principal, login: str) -> list[str]:
        urls = usecase.connect_urls(self.services, principal)
        assert urls is not None
        self.hub.users["code"] = login
        return usecase.finish_connecting(self.services, principal, "code", state_in(urls[1]))


def state_in(url: str) -> str:
    return parse_qs(urlsplit(url).query)["state"][0]


@pytest.fixture
def rig(sqlite_url: str, tmp_path: Path) -> Iterator[Rig]:
    with github() as hub:
        hub.add_installation(55, "ann", "shop")
        hub.add_installation(66, "acme", "shop", is_organization=True)
        made = Rig(sqlite_url, tmp_path, hub)
        yield made
        made.db.dispose()
        assert hub.faults == []


def test_the_browser_takes_a_manifest_to_github(rig: Rig) -> None:
    form = usecase.begin_registration(rig.services, rig.ann, "acme/../x", is_public=False)
    assert form.url.startswith(f"{rig.hub.url}/organizations/acme%2F..%2Fx/settings/apps/new?state=")
    assert json.loads(form.manifest)["public"] is False
    assert form.origin == rig.hub.url


def test_what_comes_back_is_kept_sealed_and_the_webhook_can_open_its_secret_alone(rig: Rig) -> None:
    rig.register()
    assert usecase.show(rig.services, rig.ann).app == "slipway-test"
    with rig.db.read(platform="a test") as session:
        row = session.scalars(select(GitHubApp)).one()
        audited = session.scalars(select(AuditRecord.action)).all()
    assert "PRIVATE KEY" not in row.sealed_key
    assert audited == ["github.register"]
    assert github_app.webhook_secrets(rig.db, rig.services.settings, rig.services.hooks)


def test_only_who_runs_the_platform_registers_the_app(rig: Rig) -> None:
    with pytest.raises(NotAllowed):
        usecase.begin_registration(rig.services, rig.eve, "", is_public=True)
    form = usecase.begin_registration(rig.services, rig.ann, "", is_public=True)
    with pytest.raises(NotAllowed):
        usecase.finish_registration(rig.services, rig.eve, "good-code", state_in(form.url))


def test_a_code_that_github_does_not_know_keeps_nothing(rig: Rig) -> None:
    form = usecase.begin_registration(rig.services, rig.ann, "", is_public=True)
    with pytest.raises(GitHubRefused):
        usecase.finish_registration(rig.services, rig.ann, "another", state_in(form.url))
    assert usecase.show(rig.services, rig.ann).app is None


def test_a_tenant_connects_what_its_owner_administers_at_github(rig: Rig) -> None:
    rig.register()
    rig.hub.administers.add(("ann", "acme"))
    assert rig.connect(rig.ann, "ann") == ["ann", "acme"]
    shown = usecase.show(rig.services, rig.ann).installations
    assert [(each.account, each.state, each.connected_by) for each in shown] == [
        ("acme", "active", "ann"),
        ("ann", "active", "ann"),
    ]
    assert usecase.show(rig.services, rig.eve).installations == []


def test_what_is_suspended_at_github_is_connected_as_suspended(rig: Rig) -> None:
    rig.register()
    rig.hub.installations[55].is_suspended = True
    rig.connect(rig.ann, "ann")
    assert [each.state for each in usecase.show(rig.services, rig.ann).installations] == ["suspended"]


def test_to_see_a_repository_at_github_is_not_enough(rig: Rig) -> None:
    rig.register()
    with pytest.raises(NotFound):
        rig.connect(rig.eve, "eve")


def test_an_installation_of_another_tenant_is_not_taken_over(rig: Rig) -> None:
    rig.register()
    rig.connect(rig.ann, "ann")
    with pytest.raises(Conflict):
        rig.connect(rig.eve, "ann")
    usecase.disconnect(rig.services, rig.ann, 55)
    assert rig.connect(rig.eve, "ann") == ["ann"]


def test_another_tenants_installation_is_not_there_to_be_disconnected(rig: Rig) -> None:
    rig.register()
    rig.connect(rig.ann, "ann")
    with pytest.raises(NotFound):
        usecase.disconnect(rig.services, rig.eve, 55)


@pytest.mark.parametrize("of", ["another", "elsewhere", "no state", "another step"])
def test_what_was_begun_by_somebody_else_or_elsewhere_connects_nothing(rig: Rig, of: str) -> None:
    rig.register()
    begun_by = {"another": replace(rig.ann, id="3"), "elsewhere": replace(rig.ann, tenant_id=rig.eve.tenant_id)}
    urls = usecase.connect_urls(rig.services, begun_by.get(of, rig.ann))
    assert urls is not None
    form = usecase.begin_registration(rig.services, rig.ann, "", is_public=True)
    state = {"no state": "", "another step": state_in(form.url)}.get(of, state_in(urls[0]))
    rig.hub.users["code"] = "ann"
    with pytest.raises(NotAllowed):
        usecase.finish_connecting(rig.services, rig.ann, "code", state)
    assert usecase.show(rig.services, rig.ann).installations == []


def test_a_state_ends(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.register()
    monkeypatch.setattr(usecase, "STATE_S", -1)
    with pytest.raises(NotAllowed):
        rig.connect(rig.ann, "ann")
