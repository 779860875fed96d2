"""What a CI job got is for one app: every operation of the API is tried with it."""

from __future__ import annotations

import re

import pytest

from router.reference import description
from tests.fixtures.api import Api, Caller
from tests.fixtures.identity.ci_jobs import Jobs
from tests.fixtures.identity.oidc_provider import OidcProvider
from tests.integration.router.publishing.conftest import jobs_of_new_tenant

DOCUMENT = description()
FOR_JOBS = {
    ("GET", "/api/apps/{app}/deployments"),
    ("POST", "/api/apps/{app}/deployments"),
    ("GET", "/api/deployments/{deployment}"),
    ("GET", "/api/deployments/{deployment}/events"),
    ("GET", "/api/deployments/{deployment}/log"),
}
OPERATIONS = sorted(
    (method.upper(), path)
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
    if operation.get("security")
)
BODY = {"name": "x", "kind": "github", "constraints": {"repository": "octo/x"}, "path": "/"}


def test_there_are_operations_to_try() -> None:
    assert len(OPERATIONS) > 50
    assert set(OPERATIONS) >= FOR_JOBS


@pytest.fixture(scope="module")
def jobs(shared_api: Api, shared_issuer: OidcProvider) -> Jobs:
    """One tenant for all of them."""
    made = jobs_of_new_tenant(shared_api, shared_issuer)
    made.trust()
    made.owner.create_app("other", repository="https://github.example/octo/other.git")
    return made


@pytest.fixture(scope="module")
def job(jobs: Jobs) -> Caller:
    return jobs.job()


@pytest.fixture(scope="module")
def number(job: Caller) -> int:
    """Of a deployment that the job made."""
    return int(job.post("/api/apps/shop/deployments", {})["id"])


@pytest.fixture(scope="module")
def stranger(jobs: Jobs) -> Caller:
    made = jobs.stranger()
    made.post("/api/apps/shop/deployments", {})
    return made


def filled(path: str, app: str, number: int) -> str:
    return re.sub(r"\{(\w+)\}", lambda name: app if name[1] == "app" else str(number), path)


@pytest.mark.parametrize(("method", "path"), [each for each in OPERATIONS if each not in FOR_JOBS])
def test_an_operation_that_is_not_open_to_jobs(job: Caller, number: int, method: str, path: str) -> None:
    answer = job.call(method, filled(path, "shop", number), None if method == "GET" else BODY)
    assert answer.status_code == 403, answer.text
    assert "and nothing else" in answer.get_json()["detail"]


@pytest.fixture(params=["of the tenant", "of another tenant", "that does not exist"], scope="module")
def foreign(request: pytest.FixtureRequest, jobs: Jobs, stranger: Caller) -> tuple[str, int]:
    """An app and a deployment that are not the job's."""
    if request.param == "that does not exist":
        return "nothing", 4711
    if request.param == "of the tenant":
        return "other", int(jobs.owner.post("/api/apps/other/deployments", {})["id"])
    return "foreign", int(stranger.get("/api/apps/shop/deployments")["deployments"][0]["id"])


@pytest.mark.parametrize(("method", "path"), sorted(FOR_JOBS))
def test_an_operation_for_jobs_about_something_else(
    job: Caller, foreign: tuple[str, int], method: str, path: str
) -> None:
    """In the same words, whether it exists or not."""
    answer = job.problem(404, method, filled(path, *foreign), None if method == "GET" else {})
    assert answer["detail"] == "A CI job of shop finds that app and its deployments, and nothing else."


def test_what_jobs_may_do_with_their_app(jobs: Jobs, job: Caller, number: int) -> None:
    shown = job.get(f"/api/deployments/{number}?app=shop")
    assert shown["actor"] == "workload:octo/shop@refs/heads/main"
    assert number in [each["id"] for each in job.get("/api/apps/shop/deployments")["deployments"]]
    assert job.call("GET", f"/api/deployments/{number}/log").status_code == 200
    jobs.owner.post(f"/api/deployments/{number}/cancel")
    assert job.call("GET", f"/api/deployments/{number}/events").status_code == 200


@pytest.mark.parametrize("query", ["?app=other", "?app=nothing", "?app=shop&app=other"])
def test_a_query_that_names_another_app(job: Caller, number: int, query: str) -> None:
    for path in (f"/api/deployments/{number}", "/api/apps/shop/deployments"):
        assert "other" not in job.problem(404, "GET", f"{path}{query}")["detail"]


def test_a_job_acts_in_no_tenant_that_it_names(jobs: Jobs, job: Caller, number: int, stranger: Caller) -> None:
    named = {"X_Slipway_Tenant": f"globex-{jobs.tenant}"}
    listed = job.get("/api/apps/shop/deployments", **named)["deployments"]
    assert number in [each["id"] for each in listed]
    [theirs] = stranger.get("/api/apps/shop/deployments")["deployments"]
    assert theirs["id"] not in [each["id"] for each in listed]
