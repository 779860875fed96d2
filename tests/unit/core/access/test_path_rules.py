"""Which policies a request path has to meet. The vectors are the edges' too."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from slipway.core.access.path_rules import Access, PathRule, check_different, check_path, entry, required
from slipway.core.access.policies import Policy, parse
from slipway.errors import InvalidInput

VECTORS = json.loads((Path(__file__).parents[3] / "vectors" / "access_paths.json").read_text())
PUBLIC, TENANT, OWNER = parse("public"), parse("tenant"), parse("role:owner")


def access_of(table: dict[str, Any]) -> Access:
    policies = [Policy(tuple(terms)) for terms in table["policies"]]
    rules = tuple(PathRule(rule["path"], policies[rule["policy"]]) for rule in table["paths"])
    return Access(policies[table["default"]], rules)


@pytest.mark.parametrize("vector", VECTORS["vectors"], ids=lambda vector: f"{vector['table']} {vector['path']!r}")
def test_a_path_has_to_meet_the_policies_of_all_its_readings(vector: dict[str, Any]) -> None:
    table = VECTORS["tables"][vector["table"]]
    found = required(access_of(table), vector["path"]).policies
    assert sorted(table["policies"].index(list(policy.terms)) for policy in found) == vector["meets"], vector["why"]


def test_each_table_of_the_vectors_is_what_an_entry_says() -> None:
    for table in VECTORS["tables"].values():
        made = entry(access_of(table))
        assert made is not None
        assert {rule["path"]: made["policies"][rule["policy"]] for rule in made["paths"]} == {
            rule["path"]: table["policies"][rule["policy"]] for rule in table["paths"]
        }
        assert made["policies"][made["default"]] == table["policies"][table["default"]]


def test_no_spelling_of_a_protected_path_is_let_through_by_another_policy() -> None:
    """Each letter written as itself, in the other case and encoded: the rule's policy is always among the required."""
    access = Access(PUBLIC, (PathRule("/admin", OWNER),))
    for place, letter in enumerate("/admin"):
        for written in (letter, letter.upper(), f"%{ord(letter):02x}", f"%{ord(letter.upper()):02X}"):
            path = f"{'/admin'[:place]}{written}{'/admin'[place + 1 :]}"
            assert OWNER in required(access, path).policies, path


@pytest.mark.parametrize("prefix", ["/public/", "/PUBLIC/", "/%70ublic/"])
@pytest.mark.parametrize(
    "out", ["..", "%2e%2e", ".%2E", "..;x", "..%00", "..\\", "..%5c", "..%2f", "%c0%ae%c0%ae", "%252e."]
)
def test_no_way_out_of_a_public_part_is_public(prefix: str, out: str) -> None:
    access = Access(TENANT, (PathRule("/public/", PUBLIC),))
    assert TENANT in required(access, f"{prefix}{out}/admin").policies


def test_an_ambiguous_path_says_by_what() -> None:
    access = Access(TENANT, (PathRule("/public/", PUBLIC),))
    assert required(access, "/public/x;y").ambiguous == ";"
    assert required(access, "/public/x").ambiguous == ""


@pytest.mark.parametrize("path", ["/", "/public/", "/a-b_c.d~e", "/v1/users:batch", "/.well-known/x", "/@me/+x"])
def test_what_a_rules_path_may_be(path: str) -> None:
    assert check_path(path) == path


@pytest.mark.parametrize(
    "path",
    ["", "public", "/a b", "/caf\u00e9", "/%70", "/a;b", "/a?b", "/a#b", "/a\\b", "//", "/a//b", "/a/../b", "/.",
     "/a\n", "/a*\x00", "/" + "a" * 250],
)  # fmt: skip
def test_what_a_rules_path_may_not_be(path: str) -> None:
    with pytest.raises(InvalidInput, match="can't be the path of a rule"):
        check_path(path)


def test_two_rules_for_one_path_are_refused_in_any_case() -> None:
    check_different(["/a", "/a/", "/a/b"])
    with pytest.raises(InvalidInput, match="two of the rules have the path /A"):
        check_different(["/a", "/A"])


def test_what_is_public_all_over_needs_no_entry() -> None:
    assert entry(Access(PUBLIC)) is None
    assert entry(Access(PUBLIC, (PathRule("/x", PUBLIC),))) is None
    assert entry(Access(TENANT)) == {"policies": [["tenant"]], "default": 0, "paths": []}


def test_an_entry_has_each_policy_once() -> None:
    access = Access(TENANT, (PathRule("/a", PUBLIC), PathRule("/b", PUBLIC), PathRule("/b/c", TENANT)))
    assert entry(access) == {
        "policies": [["tenant"], ["public"]],
        "default": 0,
        "paths": [{"path": "/a", "policy": 1}, {"path": "/b", "policy": 1}, {"path": "/b/c", "policy": 0}],
    }
