"""What a publisher can say, and which job it describes."""

from __future__ import annotations

import pytest

from slipway.core.access.trusted_publishers import KINDS, IssuerKind, describe, mismatch, parse
from slipway.errors import InvalidInput
from tests.fixtures.identity.ci_jobs import github_claims, gitlab_claims

GITHUB, GITLAB, OIDC = IssuerKind
JOBS = {
    GITHUB: github_claims(KINDS[GITHUB].issuer),
    GITLAB: gitlab_claims(KINDS[GITLAB].issuer),
    OIDC: {"sub": "org:shop"},
}
OF_JOBS = {
    GITHUB: {
        "repository": "octo/shop",
        "ref": "main",
        "environment": "production",
        "workflow": "deploy.yml",
        "repository_id": "456",
        "repository_owner_id": "123",
    },
    GITLAB: {
        "project_path": "octo/web/shop",
        "ref": "refs/heads/main",
        "ref_protected": "true",
        "environment": "production",
        "project_id": "20",
        "namespace_id": "72",
    },
    OIDC: {"sub": "org:shop"},
}
CONSTRAINTS = [(kind, name) for kind, table in KINDS.items() for name in table.constraints]


@pytest.mark.parametrize("kind", KINDS)
def test_a_job_of_which_everything_is_said(kind: IssuerKind) -> None:
    publisher = parse(kind, "" if KINDS[kind].issuer else "https://ci.example.org", OF_JOBS[kind])
    assert publisher.constraints.keys() == KINDS[kind].constraints.keys(), "so that none is forgotten here"
    assert mismatch(publisher, {**JOBS[kind], "environment": "production"}) == ""


@pytest.mark.parametrize(("kind", "name"), CONSTRAINTS)
def test_each_constraint_is_one(kind: IssuerKind, name: str) -> None:
    """A job that differs in that alone is refused for that."""
    other = {"ref": "topic", "workflow": "other.yml", "repository": "octo/other", "project_path": "octo/other"}
    said = {**OF_JOBS[kind], name: other.get(name, "999")}
    if name == "ref_protected":
        publisher, claims = parse(kind, "", OF_JOBS[kind]), {**JOBS[kind], "ref_protected": "false"}
    else:
        publisher, claims = parse(kind, KINDS[kind].issuer or "https://ci.example.org", said), JOBS[kind]
    assert mismatch(publisher, {**claims, "environment": "production"}).startswith(f"{name} is ")


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        (GITHUB, {}),
        (GITHUB, {"repository": ""}),
        (GITHUB, {"repository": "octo"}),
        (GITHUB, {"repository": "octo/shop/x"}),
        (GITHUB, {"repository": "octo/*"}),
        (GITHUB, {"repository": "octo/shop", "ref": "*"}),
        (GITHUB, {"repository": "octo/shop", "ref": "refs/pull/1/merge"}),
        (GITHUB, {"repository": "octo/shop", "workflow": "../deploy.yml"}),
        (GITHUB, {"repository": "octo/shop", "workflow": "deploy"}),
        (GITHUB, {"repository": "octo/shop", "repository_id": "x"}),
        (GITHUB, {"repository": "octo/shop", "sub": "x"}),
        (GITLAB, {"project_path": "shop"}),
        (GITLAB, {"project_path": "octo/shop", "ref_protected": "false"}),
        (OIDC, {"sub": "a\nb"}),
        (OIDC, {"sub": "a" * 256}),
        (OIDC, {"sub": "org:shop"}),
    ],
    ids=str,
)
def test_what_no_publisher_can_say(kind: IssuerKind, given: dict[str, str]) -> None:
    with pytest.raises(InvalidInput):
        parse(kind, "", given)


@pytest.mark.parametrize("kind", [GITHUB, GITLAB])
def test_a_well_known_issuer_is_of_its_own_kind(kind: IssuerKind) -> None:
    with pytest.raises(InvalidInput, match=f"are of the kind {kind}"):
        parse(OIDC, KINDS[kind].issuer, {"sub": "org:shop"})


def test_a_job_is_called_by_whose_it_is_and_its_ref() -> None:
    assert describe(parse(GITHUB, "", {"repository": "octo/shop"}), JOBS[GITHUB]) == "octo/shop@refs/heads/main"
    assert describe(parse(GITLAB, "", {"project_path": "octo/web/shop"}), JOBS[GITLAB]).endswith("shop@refs/heads/main")
    assert describe(parse(GITHUB, "", {"repository": "octo/shop"}), {"ref": "a\nb"}) == "octo/shop"
