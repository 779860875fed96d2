"""What a policy can say, and whom it admits."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from slipway.core.access.policies import ANONYMOUS, Caller, CallerKind, Policy, allows, decide, describe, parse
from slipway.core.access.roles import Role
from slipway.errors import InvalidInput


def person(role: Role | None = None, *groups: str, tenant: str = "acme") -> Caller:
    return Caller(CallerKind.PERSON, "ada", {tenant: role} if role else {}, groups)


def program(kind: CallerKind, role: Role = Role.VIEWER, tenant: str = "acme") -> Caller:
    return Caller(kind, "ci", {tenant: role})


VIEWER, DEVELOPER, OWNER = (person(role) for role in Role)
STRANGER, FOREIGN_OWNER = person(), person(Role.OWNER, tenant="globex")
TOKEN, FOREIGN_TOKEN = program(CallerKind.TOKEN), program(CallerKind.TOKEN, tenant="globex")
JOB, FOREIGN_JOB = program(CallerKind.WORKLOAD, Role.OWNER), program(CallerKind.WORKLOAD, tenant="globex")
ON_CALL, OTHERS = person(None, "/staff/ops/on-call"), person(None, "/staff/opsers", "/staff", "staff/ops")
EVERYBODY = {
    "anonymous": ANONYMOUS, "viewer": VIEWER, "developer": DEVELOPER, "owner": OWNER, "stranger": STRANGER,
    "foreign owner": FOREIGN_OWNER, "token": TOKEN, "foreign token": FOREIGN_TOKEN, "job": JOB,
    "foreign job": FOREIGN_JOB, "on call": ON_CALL, "others": OTHERS,
}  # fmt: skip
PEOPLE = {"viewer", "developer", "owner", "stranger", "foreign owner", "on call", "others"}


@pytest.mark.parametrize(
    ("said", "admitted"),
    [
        ("public", set(EVERYBODY)),
        ("signed-in", PEOPLE),
        ("tenant", {"viewer", "developer", "owner", "token"}),
        ("role:viewer", {"viewer", "developer", "owner", "token"}),
        ("role:developer", {"developer", "owner"}),
        ("role:owner", {"owner"}),
        ("group:/staff/ops", {"on call"}),
        ("group:/staff", {"on call", "others"}),
        ("token", {"token", "job"}),
        ("nobody", set()),
        (["role:owner", "group:/staff/ops", "token"], {"owner", "on call", "token", "job"}),
    ],
)
def test_whom_a_policy_admits(said: str | Sequence[str], admitted: set[str]) -> None:
    policy = parse(said)
    assert {name for name, caller in EVERYBODY.items() if allows(policy, caller, "acme")} == admitted
    for caller in EVERYBODY.values():
        assert decide(policy, caller, "acme").allowed == allows(policy, caller, "acme")


def test_a_tokens_role_counts_like_a_persons() -> None:
    assert allows(parse("role:owner"), program(CallerKind.TOKEN, Role.OWNER), "acme")
    assert not allows(parse("role:developer"), program(CallerKind.TOKEN, Role.VIEWER), "acme")


def test_a_tokens_groups_count_for_nothing() -> None:
    assert not allows(parse("group:/staff"), Caller(CallerKind.TOKEN, "ci", {}, ("/staff",)), "acme")


@pytest.mark.parametrize("term", ["everyone", "role:", "role:admin", "group:", "tenant:acme", ""])
def test_a_term_that_is_not_known_admits_nobody(term: str) -> None:
    """An entry may be of a newer version."""
    assert not any(allows(Policy((term,)), caller, "acme") for caller in EVERYBODY.values())


@pytest.mark.parametrize(
    "said",
    [
        "", "everyone", "Public", " public", "public ", "public:", "tenant:acme", "role", "role:", "role:admin",
        "role:Owner", "role:owner:x", "group", "group:", "group:staff", "group:/", "group://staff", "group:/staff/",
        "group:/staff/ ", "group:/a\nb", "group:/a,/b", "group:/" + "a" * 255,
    ],
)  # fmt: skip
def test_what_is_no_policy_is_refused_with_what_can_be_said(said: str) -> None:
    with pytest.raises(InvalidInput, match="is no policy") as refused:
        parse(said)
    assert "role:developer" in refused.value.remedy


@pytest.mark.parametrize("alone", ["public", "nobody"])
def test_public_and_nobody_stand_alone(alone: str) -> None:
    with pytest.raises(InvalidInput, match=f"'{alone}' stands alone"):
        parse([alone, "tenant"])
    assert parse([alone, alone]) == parse(alone)


def test_a_policy_has_at_least_one_term_and_at_most_ten() -> None:
    with pytest.raises(InvalidInput, match="without a term"):
        parse([])
    assert len(parse([f"group:/g{number}" for number in range(10)]).terms) == 10
    with pytest.raises(InvalidInput, match="at most 10 terms"):
        parse([f"group:/g{number}" for number in range(11)])


def test_a_decision_says_why() -> None:
    assert decide(parse(["role:owner", "tenant"]), VIEWER, "acme").why == (
        "the person ada meets 'tenant': members of the tenant acme, and its tokens"
    )
    assert decide(parse("token"), ANONYMOUS, "acme").why == (
        "somebody who is not signed in does not meet 'token' (tokens and CI jobs of the tenant acme, no browser)"
    )
    assert "does not meet any of 'role:owner'" in decide(parse(["role:owner", "token"]), VIEWER, "acme").why


def test_a_policy_in_words_names_roles_from_the_least_up() -> None:
    assert describe(parse("role:developer"), "acme") == (
        "who has the role developer or owner in the tenant acme, and its tokens of such a role"
    )
