"""A CI job deploys an app with nothing but its own token, for as long as a publisher of the app accepts it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, func, select, update

from router.streams import admission
from slipway.core.access.roles import Role
from slipway.domain.publishing import LIFETIME_S, MOST_LIVE
from slipway.models import App, AuditRecord, PublishToken, SpentJobToken, now
from tests.fixtures.api import Caller
from tests.fixtures.identity.ci_jobs import Jobs
from tests.fixtures.identity.oidc_provider import OidcProvider
from tests.fixtures.identity.sign_on import Edge, with_sign_on
from tests.fixtures.waiting import eventually


def records(jobs: Jobs, action: str) -> list[AuditRecord]:
    tenant_id = jobs.api.tenant_id(jobs.tenant)
    with jobs.api.services.db.read(platform="a test looks") as session:
        return list(session.scalars(select(AuditRecord).filter_by(action=action, tenant_id=tenant_id)))


def test_a_job_of_the_repository_deploys_the_app(trusted: Jobs) -> None:
    answer = trusted.ask(trusted.token()).get_json()
    assert answer["token_type"] == "Bearer"
    assert answer["issued_token_type"] == "urn:ietf:params:oauth:token-type:access_token"
    assert 0 < answer["expires_in"] <= LIFETIME_S <= 15 * 60
    made = Caller(trusted.api.client, answer["access_token"]).post("/api/apps/shop/deployments", {})
    assert trusted.owner.get(f"/api/deployments/{made['id']}")["app"] == "shop"


def test_who_got_a_token_is_in_the_audit_log(trusted: Jobs) -> None:
    trusted.job()
    [record] = records(trusted, "publish.exchange")
    assert (record.actor, record.subject, record.address) == (
        "workload:octo/shop@refs/heads/main",
        "shop",
        trusted.address,
    )
    assert record.detail["pinned"] == {"repository_id": "456", "repository_owner_id": "123"}


def test_why_a_job_got_none_is_in_the_audit_log_of_the_apps_tenant(trusted: Jobs) -> None:
    trusted.refusal(trusted.token(repository="octo/other"))
    trusted.refusal(trusted.token(aud="https://other.example.org"))
    whys = [record.detail["why"] for record in records(trusted, "publish.refuse")]
    assert "repository is 'octo/other', not 'octo/shop'" in whys[0]
    assert "aud" in whys[1]


def test_refusals_are_recorded_a_bounded_number_of_times(trusted: Jobs) -> None:
    for _ in range(35):
        trusted.refusal("e30.e30.e30")
    assert 0 < len(records(trusted, "publish.refuse")) <= 30


def test_a_publisher_that_is_removed_takes_its_jobs_tokens_with_it(trusted: Jobs) -> None:
    job, other = trusted.job(), trusted.job()
    [publisher] = trusted.owner.get("/api/apps/shop/publishers")["publishers"]
    assert job.get("/api/apps/shop/deployments")
    trusted.owner.delete(f"/api/apps/shop/publishers/{publisher['id']}")
    for each in (job, other):
        assert "not known" in each.problem(401, "GET", "/api/apps/shop/deployments")["detail"]
        assert each.problem(401, "POST", "/api/apps/shop/deployments", {})
    assert [record.detail["publisher"] for record in records(trusted, "publisher.remove")] == [publisher["id"]]


def test_a_stream_of_a_removed_publishers_job_ends(trusted: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    """Because the change is reported, not because credentials are looked at again every now and then."""
    monkeypatch.setattr(admission, "LOOK_AT_LEAST_EVERY_S", 86400.0)
    job = trusted.job()
    made = job.post("/api/apps/shop/deployments", {})
    stream = job.call("GET", f"/api/deployments/{made['id']}/events")
    events = iter(stream.response)
    assert b"event: state" in next(events)  # type: ignore[operator]
    [publisher] = trusted.owner.get("/api/apps/shop/publishers")["publishers"]
    trusted.owner.delete(f"/api/apps/shop/publishers/{publisher['id']}")
    eventually(lambda: next(events, None) is None, within_s=10)


def test_a_token_ends_by_itself(trusted: Jobs) -> None:
    job = trusted.job()
    with trusted.api.services.db.write(platform="time passes") as session:
        session.execute(update(PublishToken).values(expires_at=now() - timedelta(seconds=1)))
    assert "has expired" in job.problem(401, "GET", "/api/apps/shop/deployments")["detail"]


def test_what_has_ended_is_removed_by_the_next_exchange(trusted: Jobs) -> None:
    trusted.job()
    with trusted.api.services.db.write(platform="time passes") as session:
        for model in (PublishToken, SpentJobToken):
            session.execute(update(model).values(expires_at=now() - timedelta(seconds=1)))
    trusted.job()
    tenant_id = trusted.api.tenant_id(trusted.tenant)
    with trusted.api.services.db.read(tenant_id=tenant_id) as session:
        for model in (PublishToken, SpentJobToken):
            assert session.scalar(select(func.count()).select_from(model)) == 1


def test_an_app_has_a_bounded_number_of_tokens(trusted: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MOST_LIVE == 100
    monkeypatch.setattr("slipway.domain.publishing.MOST_LIVE", 2)
    trusted.job()
    trusted.job()
    token = trusted.token()
    assert trusted.ask(token).status_code == 429
    with trusted.api.services.db.write(platform="time passes") as session:
        session.execute(update(PublishToken).values(expires_at=now() - timedelta(seconds=1)))
    assert trusted.job(token), "what was refused for that reason is not spent"


def test_an_app_that_is_made_anew_under_the_same_name_is_another_one(trusted: Jobs) -> None:
    job = trusted.job()
    trusted.owner.delete_app("shop")
    assert job.problem(401, "GET", "/api/apps/shop/deployments")
    with trusted.api.services.db.write(tenant_id=trusted.api.tenant_id(trusted.tenant)) as session:
        session.execute(delete(App).where(App.name == "shop"))  # as the agent does it
    trusted.owner.create_app("shop")
    assert job.problem(401, "GET", "/api/apps/shop/deployments")
    assert trusted.owner.get("/api/apps/shop/publishers")["publishers"] == []


def test_publishers_are_added_listed_and_removed(jobs: Jobs, owner: Caller) -> None:
    number = jobs.trust(repository="octo/shop", ref="main", workflow="deploy.yml")
    [shown] = owner.get("/api/apps/shop/publishers")["publishers"]
    assert shown["id"] == number
    assert shown["constraints"] == {"repository": "octo/shop", "ref": "refs/heads/main", "workflow": "deploy.yml"}
    assert shown["used_at"] is None
    [record] = records(jobs, "publisher.add")
    assert (record.subject, record.detail["constraints"]) == ("shop", shown["constraints"])
    owner.delete(f"/api/apps/shop/publishers/{number}")
    assert owner.get("/api/apps/shop/publishers")["publishers"] == []
    assert owner.problem(404, "DELETE", f"/api/apps/shop/publishers/{number}")


def test_the_same_jobs_are_trusted_once(trusted: Jobs) -> None:
    body = {"kind": "github", "issuer": trusted.issuer.issuer, "constraints": {"repository": "octo/shop"}}
    assert trusted.owner.problem(409, "POST", "/api/apps/shop/publishers", body)


def test_an_app_has_a_bounded_number_of_publishers(jobs: Jobs, owner: Caller) -> None:
    for number in range(10):
        jobs.trust(repository=f"octo/shop{number}")
    body = {"kind": "github", "issuer": jobs.issuer.issuer, "constraints": {"repository": "octo/more"}}
    assert owner.problem(409, "POST", "/api/apps/shop/publishers", body)


@pytest.mark.parametrize("role", [Role.VIEWER, Role.DEVELOPER])
def test_only_owners_say_who_is_trusted(trusted: Jobs, role: Role) -> None:
    caller = trusted.api.caller(trusted.tenant, role)
    body = {"kind": "github", "constraints": {"repository": "octo/evil"}}
    assert caller.problem(403, "POST", "/api/apps/shop/publishers", body)
    [publisher] = trusted.owner.get("/api/apps/shop/publishers")["publishers"]
    assert caller.problem(403, "DELETE", f"/api/apps/shop/publishers/{publisher['id']}")


REFUSED: dict[str, dict[str, Any]] = {
    "an address inside": {"kind": "oidc", "issuer": "https://10.0.0.1", "constraints": {"sub": "x"}},
    "this host": {"kind": "oidc", "issuer": "https://localhost", "constraints": {"sub": "x"}},
    "without TLS": {"kind": "oidc", "issuer": "http://ci.example.org", "constraints": {"sub": "x"}},
    "a credential": {"kind": "oidc", "issuer": "https://a:b@ci.example.org", "constraints": {"sub": "x"}},
    "GitHub by its subject alone": {
        "kind": "oidc",
        "issuer": "https://token.actions.githubusercontent.com",
        "constraints": {"sub": "repo:octo/shop:ref:refs/heads/main"},
    },
    "nobody in particular": {"kind": "github", "constraints": {}},
    "a constraint of another kind": {"kind": "github", "constraints": {"repository": "o/s", "project_path": "o/s"}},
    "a pattern": {"kind": "github", "constraints": {"repository": "octo/*"}},
    "an unknown kind": {"kind": "jenkins", "constraints": {"sub": "x"}},
}


@pytest.mark.parametrize("body", REFUSED.values(), ids=REFUSED.keys())
def test_who_can_not_be_trusted(owner: Caller, body: dict[str, Any]) -> None:
    assert owner.problem(422, "POST", "/api/apps/shop/publishers", body)


def test_what_a_job_got_is_no_key_to_apps_behind_the_sign_on(trusted: Jobs, issuer: OidcProvider) -> None:
    edge = Edge(with_sign_on(trusted.api.services, issuer.url))
    asked = {"tenant": trusted.tenant, "bearer": trusted.job().token, "policies": [["token"], ["tenant"]]}
    assert edge.verdict(**asked)["known"] is False
