"""Tokens that get nothing: each differs from a good one in the part that the test names."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.fixtures.api import Api, Caller
from tests.fixtures.identity.ci_jobs import PUBLIC_URL, UNACCEPTED, Jobs, github_claims, other_key
from tests.fixtures.identity.oidc_provider import OidcProvider
from tests.fixtures.identity.oidc_tokens import rsa_key, signed, signed_with_the_public_key, unsigned
from tests.integration.router.publishing.conftest import jobs_of_new_tenant


def of_claims(**claims: Any) -> Callable[[Jobs], str]:
    return lambda jobs: jobs.token(**claims)


def with_header(**header: Any) -> Callable[[Jobs], str]:
    return lambda jobs: jobs.token(header)


PUBLIC = {"kty": "RSA", "n": "AQAB", "e": "AQAB"}
NOT_ACCEPTED: dict[str, Callable[[Jobs], str]] = {
    "alg none": lambda jobs: unsigned(github_claims(jobs.issuer.issuer), kid="rsa-1") + "bm9uZQ",
    "alg none, without a signature": lambda jobs: unsigned(github_claims(jobs.issuer.issuer), kid="rsa-1"),
    "HS256 with the public key": lambda jobs: signed_with_the_public_key(github_claims(jobs.issuer.issuer), rsa_key()),
    "another issuer's key of the same kid": lambda jobs: signed(github_claims(jobs.issuer.issuer), other_key()),
    "a kid that nobody has": with_header(kid="unheard-of"),
    "a key in the header": with_header(jwk=PUBLIC),
    "a key's address in the header": with_header(jku="https://evil.example/keys"),
    "a certificate's address in the header": with_header(x5u="https://evil.example/certificate"),
    "a certificate in the header": with_header(x5c=["MIIB"]),
    "an extension that has to be understood": with_header(crit=["exp"]),
    "no issuer": of_claims(iss=None),
    "another issuer": of_claims(iss="https://token.actions.githubusercontent.com"),
    "the issuer with a slash": lambda jobs: jobs.token(iss=f"{jobs.issuer.issuer}/"),
    "an access token": with_header(typ="at+jwt"),
    "a logout token": of_claims(events={}),
    "another repository": of_claims(repository="octo/other"),
    "a repository in other letters": of_claims(repository="Octo/Shop"),
    "no repository": of_claims(repository=None),
    "a list of repositories": of_claims(repository=["octo/shop"]),
    "no number of the repository": of_claims(repository_id=None),
    "a number of the repository that is no text": of_claims(repository_id=456),
    "a pull request of a fork": of_claims(
        sub="repo:octo/shop:pull_request",
        event_name="pull_request",
        ref="refs/pull/5/merge",
        head_ref="patch-1",
        workflow_ref="octo/shop/.github/workflows/deploy.yml@refs/pull/5/merge",
    ),
    "a pull request with the code of the base": of_claims(event_name="pull_request_target"),
    "a pull request's ref": of_claims(ref="refs/pull/5/merge"),
    "no event": of_claims(event_name=None),
    "no token at all": lambda _: "",
    "a token of the platform": lambda jobs: jobs.owner.token,
    "three parts of nothing": lambda _: "e30.e30.e30",
    "a content that is nested deep": lambda _: "e30." + "W1tb" * 4000 + ".e30",
    "a token of 20 KB": lambda _: "e30." + "a" * 20_000 + ".e30",
}


@pytest.fixture(scope="module")
def trusting(shared_api: Api, shared_issuer: OidcProvider) -> Jobs:
    """As `trusted`, one for all that get nothing."""
    made = jobs_of_new_tenant(shared_api, shared_issuer)
    made.trust()
    assert made.job()
    return made


@pytest.mark.parametrize("token", NOT_ACCEPTED.values(), ids=NOT_ACCEPTED.keys())
def test_a_token_that_is_refused_in_the_same_words_as_for_an_app_that_does_not_exist(
    trusting: Jobs, token: Callable[[Jobs], str]
) -> None:
    given = token(trusting)
    refused, unknown = trusting.ask(given), trusting.ask(given, trusting.audience("nothing"))
    assert refused.status_code == unknown.status_code == 401
    said, of_unknown = ({**each.get_json(), "request_id": ""} for each in (refused, unknown))
    assert said["detail"] == UNACCEPTED.replace("acme", trusting.tenant)
    assert of_unknown == {**said, "detail": said["detail"].replace("shop", "nothing")}


GOOD_FOR_NOTHING = {
    "another audience": ({"aud": "https://other.example.org"}, "aud"),
    "a second audience": ({"aud": [PUBLIC_URL, "https://other.example.org"]}, "aud"),
    "GitHub's own audience": ({"aud": "https://github.com/octo"}, "aud"),
    "no audience": ({"aud": None}, "aud"),
    "expired": ({"exp": int(time.time()) - 60}, "exp"),
    "no expiry": ({"exp": None}, "exp"),
    "issued in the future": ({"iat": int(time.time()) + 86400}, "iat"),
    "not valid yet": ({"nbf": int(time.time()) + 86400}, "nbf"),
    "issued days ago": ({"iat": int(time.time()) - 3 * 86400}, "iat"),
}


@pytest.mark.parametrize(("claims", "named"), GOOD_FOR_NOTHING.values(), ids=GOOD_FOR_NOTHING.keys())
def test_a_trusted_jobs_token_that_is_not_for_this_platform_now(
    trusting: Jobs, claims: dict[str, Any], named: str
) -> None:
    assert named in trusting.refusal(trusting.token(**claims))


def test_a_token_is_good_once(trusted: Jobs) -> None:
    token = trusted.token()
    assert trusted.job(token)
    assert "is good once" in trusted.refusal(token)


def test_a_token_without_an_id_is_good_once(trusted: Jobs) -> None:
    token = trusted.token(jti=None)
    assert trusted.job(token)
    assert "is good once" in trusted.refusal(token)
    assert trusted.job(trusted.token(jti=None, run_id="78"))


def test_a_token_is_good_for_one_app_alone(trusted: Jobs, owner: Caller) -> None:
    owner.create_app("other", repository="https://github.example/octo/other.git")
    trusted.trust(app="other")
    token = trusted.token()
    assert trusted.job(token)
    assert "is good once" in trusted.refusal(token, trusted.audience("other"))


def test_a_publisher_that_is_removed_and_made_anew_gives_nothing_for_a_used_token(trusted: Jobs, owner: Caller) -> None:
    token = trusted.token()
    trusted.job(token)
    [publisher] = owner.get("/api/apps/shop/publishers")["publishers"]
    owner.delete(f"/api/apps/shop/publishers/{publisher['id']}")
    trusted.trust()
    assert "is good once" in trusted.refusal(token)


def test_a_tenant_that_trusts_the_same_jobs_gets_nothing_of_them(trusted: Jobs) -> None:
    """Somebody else may well name octo/shop: the job says which tenant's app it deploys."""
    stranger = trusted.stranger()
    trusted.trust(stranger)
    job = trusted.job()
    made = job.post("/api/apps/shop/deployments", {})
    assert stranger.problem(404, "GET", f"/api/deployments/{made['id']}")
    theirs = stranger.post("/api/apps/shop/deployments", {})
    assert job.problem(404, "GET", f"/api/deployments/{theirs['id']}")
    assert job.get("/api/apps/shop/deployments")["deployments"][0]["id"] == made["id"]


def test_a_tenants_job_is_nobody_to_an_app_of_that_name_of_another_tenant(trusted: Jobs) -> None:
    trusted.stranger()
    audience = f"app:globex-{trusted.tenant}/shop"
    assert trusted.refusal(trusted.token(), audience) == f"No trusted publisher of {audience} accepts this job."


def test_a_name_that_was_registered_again_by_somebody_else_gets_nothing(trusted: Jobs, owner: Caller) -> None:
    """The first job brings the numbers of repository and owner; a name can change hands, they can't."""
    trusted.job()
    [publisher] = owner.get("/api/apps/shop/publishers")["publishers"]
    assert publisher["pinned"] == {"repository_id": "456", "repository_owner_id": "123"}
    assert trusted.refusal(trusted.token(repository_id="999")) == UNACCEPTED
    assert trusted.refusal(trusted.token(repository_owner_id="999")) == UNACCEPTED
    assert trusted.job()


def test_numbers_that_the_owner_gave_hold_from_the_first_job_on(jobs: Jobs, owner: Caller) -> None:
    jobs.trust(repository="octo/shop", repository_id="999", repository_owner_id="123")
    assert jobs.refusal(jobs.token()) == UNACCEPTED
    assert jobs.job(jobs.token(repository_id="999"))


NARROW = {
    "ref": ({"ref": "main"}, {"ref": "refs/heads/topic"}),
    "a tag of the branch's name": ({"ref": "main"}, {"ref": "refs/tags/main"}),
    "environment": ({"environment": "production"}, {"environment": "staging"}),
    "no environment": ({"environment": "production"}, {}),
    "workflow": (
        {"workflow": "deploy.yml"},
        {"workflow_ref": "octo/shop/.github/workflows/test.yml@refs/heads/main"},
    ),
    "another repository's workflow": (
        {"workflow": "deploy.yml"},
        {"workflow_ref": "octo/other/.github/workflows/deploy.yml@refs/heads/main"},
    ),
}
FITTING = {"environment": {"environment": "production"}}


@pytest.mark.parametrize(("constraint", "claims"), NARROW.values(), ids=NARROW.keys())
def test_what_a_publisher_demands_beyond_the_repository(
    jobs: Jobs, owner: Caller, constraint: dict[str, str], claims: dict[str, Any]
) -> None:
    jobs.trust(repository="octo/shop", **constraint)
    assert jobs.refusal(jobs.token(**claims)) == UNACCEPTED
    assert jobs.job(jobs.token(**FITTING.get(next(iter(constraint)), {})))


GITLAB_REFUSED = {
    "another project": {"project_path": "octo/web/other"},
    "the group alone": {"project_path": "octo/web"},
    "a merge request": {"pipeline_source": "merge_request_event"},
    "an external pull request": {"pipeline_source": "external_pull_request_event"},
    "no source": {"pipeline_source": None},
    "a tag of the branch's name": {"ref_path": "refs/tags/main", "ref_type": "tag"},
    "a branch that is not protected": {"ref_protected": "false"},
    "no number of the project": {"project_id": None},
}


@pytest.mark.parametrize("claims", GITLAB_REFUSED.values(), ids=GITLAB_REFUSED.keys())
def test_jobs_of_gitlab(jobs: Jobs, owner: Caller, claims: dict[str, Any]) -> None:
    jobs.trust(kind="gitlab", project_path="octo/web/shop", ref="main", ref_protected="true")
    assert jobs.refusal(jobs.gitlab_token(**claims)) == UNACCEPTED
    assert jobs.job(jobs.gitlab_token())
    assert jobs.refusal(jobs.gitlab_token(project_id="21")) == UNACCEPTED


def test_jobs_of_any_issuer_by_their_subject(jobs: Jobs, owner: Caller) -> None:
    jobs.trust(kind="oidc", sub="org:octo:pipeline:shop")
    assert jobs.refusal(jobs.token(sub="org:octo:pipeline:shop2")) == UNACCEPTED
    assert jobs.refusal(jobs.token(sub=None)) == UNACCEPTED
    assert jobs.job(jobs.token(sub="org:octo:pipeline:shop"))


@pytest.mark.parametrize(
    "fields",
    [
        {"grant_type": "client_credentials"},
        {"subject_token_type": "urn:ietf:params:oauth:token-type:refresh_token"},
        {"subject_token": None},
        {"subject_token": "a" * 40_000},
        {"actor_token": "x"},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_what_is_no_such_exchange_is_no_valid_input(trusting: Jobs, fields: dict[str, Any]) -> None:
    assert trusting.ask(trusting.token(), **fields).status_code == 422
