"""What an app says of HTTPS comes to the edge's index, by its settings or by its file, and is its own hosts' alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from builder.agent.routes.https_policies import HttpsPolicies
from slipway.models import App, Domain
from tests.fixtures.api import Caller
from tests.fixtures.chains import given
from tests.fixtures.releases import make_live
from tests.integration.router.certificate_rig import HOST, Rig, make_rig

APP = "/api/apps/hello"
STRICT = {"hsts_s": 31_536_000, "hsts_subdomains": True, "hsts_preload": True}


@pytest.fixture
def api(state_dir: Path, sqlite_url: str, redis_url: str) -> Iterator[Rig]:
    yield from make_rig(state_dir, sqlite_url, redis_url)


@pytest.fixture
def policies(api: Rig, owner: Caller) -> HttpsPolicies:
    """acme's app hello has a certificate for its host."""
    owner.create_app()
    owner.post(f"{APP}/domains", {"host": HOST}, status=201)
    give(api, owner, HOST)
    return HttpsPolicies(api.services.db, api.services.settings)


def give(api: Rig, who: Caller, host: str, app: str = "hello") -> None:
    made = given(host)
    who.put(f"/api/apps/{app}/domains/{host}/certificate", {"certificate": made.certificate, "key": made.key})
    api.run_jobs()


def said(api: Rig, policies: HttpsPolicies, host: str = HOST) -> Any:
    policies.publish()
    return api.index()["hosts"].get(host)


def test_it_is_the_routes_and_makes_no_deployment(api: Rig, owner: Caller, policies: HttpsPolicies) -> None:
    assert said(api, policies) == {"https": "redirect"}
    version = api.index()["version"]
    make_live(api.services.db, "hello")

    changed = owner.patch(APP, {"settings": {"https": {"redirect": False, "hsts_s": 300}}})

    assert changed["at_the_edge"]
    assert changed["deployment"] is None
    assert said(api, policies) == {"https": "both", "hsts_s": 300}
    assert api.index()["version"] == version + 1
    said(api, policies)
    assert api.index()["version"] == version + 1, "nothing is written where nothing differs"
    owner.patch(APP, {"settings": {"https": None}})
    assert said(api, policies) == {"https": "redirect"}


def test_the_file_of_what_serves_goes_before(api: Rig, owner: Caller, policies: HttpsPolicies) -> None:
    owner.patch(APP, {"settings": {"https": {"hsts_s": 300}}})
    make_live(api.services.db, "hello", file={"https": {"redirect": False}}, ready=1)
    assert said(api, policies) == {"https": "both", "hsts_s": 300}


def test_a_host_without_a_certificate_is_not_redirected(api: Rig, owner: Caller, policies: HttpsPolicies) -> None:
    owner.post(f"{APP}/domains", {"host": "b.example.org"}, status=201)
    assert said(api, policies, "b.example.org") is None


def test_a_contradiction_is_refused_with_its_field(owner: Caller, policies: HttpsPolicies) -> None:
    problem = owner.problem(422, "PATCH", APP, {"settings": {"https": {"hsts_subdomains": True}}})
    assert "hsts_subdomains needs hsts_s" in problem["detail"]


def test_nobody_makes_browsers_insist_at_a_name_below_that_is_anothers(
    api: Rig, owner: Caller, stranger: Caller, policies: HttpsPolicies
) -> None:
    owner.patch(APP, {"settings": {"https": STRICT}})
    assert said(api, policies) == {"https": "redirect", **STRICT}
    stranger.create_app("other")
    with api.services.db.write(platform="a test's host, which was proven") as session:
        app = session.query(App).filter_by(name="other").one()
        session.add(Domain(tenant_id=app.tenant_id, app_id=app.id, host=f"blog.{HOST}", custom=True))

    assert said(api, policies) == {"https": "redirect", "hsts_s": STRICT["hsts_s"]}


def test_without_https_nothing_is_written(state_dir: Path, sqlite_url: str, redis_url: str) -> None:
    for api in make_rig(state_dir, sqlite_url, redis_url, HTTPS_LISTEN=""):
        HttpsPolicies(api.services.db, api.services.settings).publish()
        assert not api.services.settings.certificate_dir.exists()
