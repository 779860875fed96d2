"""Who may use an app, as settings and slipway.toml say it."""

from __future__ import annotations

from typing import Any

import pytest

from slipway.core.access.path_rules import Access, PathRule
from slipway.core.access.policies import Policy, parse
from slipway.core.app_settings import access, model
from slipway.core.app_settings.difference import difference
from slipway.errors import InvalidInput

PUBLIC_PART = {"path": "/public/", "allow": "public"}


def said(settings: dict[str, Any], file: dict[str, Any] | None = None, *, sign_on: bool = True) -> Access:
    return model.traffic({"access": settings}, {"access": file} if file else {}).access.resolved(sign_on=sign_on)


def test_an_app_that_says_nothing_is_its_tenants_where_people_sign_in_and_public_elsewhere() -> None:
    assert said({}) == Access(parse("tenant"))
    assert said({}, sign_on=False) == Access(parse("public"))
    assert model.traffic({}, {}).access.resolved(sign_on=True) == Access(parse("tenant"))


def test_what_an_app_says_holds_with_and_without_sign_on() -> None:
    for sign_on in (True, False):
        assert said({"allow": "role:owner"}, sign_on=sign_on) == Access(parse("role:owner"))


def test_one_term_is_a_list_of_one() -> None:
    assert said({"allow": "tenant"}) == said({"allow": ["tenant"]})
    assert said({"allow": ["role:owner", "token", "token"]}).allow == Policy(("role:owner", "token"))


def test_paths_have_policies_of_their_own() -> None:
    assert said({"paths": [PUBLIC_PART]}) == Access(parse("tenant"), (PathRule("/public/", parse("public")),))


def test_the_file_goes_before_the_apps_settings_part_by_part() -> None:
    own = {"allow": "public", "paths": [PUBLIC_PART]}
    assert said(own, {"allow": "nobody"}) == Access(parse("nobody"), (PathRule("/public/", parse("public")),))
    other = {"path": "/other", "allow": ["token"]}
    assert said(own, {"paths": [other]}) == Access(parse("public"), (PathRule("/other", parse("token")),))
    assert said(own, {"paths": []}) == Access(parse("public"))


def test_toml_says_it_as_the_docs_show() -> None:
    lines = (
        "[access]",
        'allow = ["role:owner", "group:/staff/ops"]',
        "[[access.paths]]",
        'path = "/public/"',
        'allow = "public"',
    )
    text = "\n".join(lines).encode()
    values = model.file_values(text)
    assert model.overlay({}, values).access.resolved(sign_on=True) == Access(
        parse(["role:owner", "group:/staff/ops"]), (PathRule("/public/", parse("public")),)
    )


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ("public", "access must be a table"),
        ({"alow": "public"}, "access.alow is not a setting; did you mean access.allow"),
        ({"allow": "everyone"}, "access.allow: 'everyone' is no policy; say public, signed-in"),
        ({"allow": []}, "access.allow: a policy without a term"),
        ({"allow": 5}, "access.allow must be a list"),
        ({"allow": ["tenant", 5]}, "access.allow.1 must be a text"),
        ({"allow": ["public", "tenant"]}, "access.allow: 'public' stands alone"),
        ({"paths": [{"path": "/x"}]}, "access.paths.0.allow is missing"),
        ({"paths": [{"path": "/x", "allow": None}]}, "access.paths.0.allow must be a list"),
        ({"paths": [{"path": "x", "allow": "public"}]}, "access.paths.0.path: 'x' can't be the path of a rule"),
        ({"paths": [PUBLIC_PART, {"path": "/PUBLIC/", "allow": "token"}]}, "two of the rules have the path /PUBLIC/"),
        (
            {"paths": [{"path": f"/{number}", "allow": "public"} for number in range(21)]},
            "access.paths may have at most 20 entries",
        ),
    ],
)
def test_what_can_not_be_said_is_refused_by_name(settings: Any, fault: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        model.parse({"access": settings})
    assert fault in refused.value.message


def test_twenty_paths_can_be_said() -> None:
    rules = [{"path": f"/{number}", "allow": "public"} for number in range(20)]
    assert len(said({"paths": rules}).paths) == 20


def test_the_line_of_a_fault_in_the_file_is_named() -> None:
    with pytest.raises(InvalidInput, match=r"slipway\.toml, line 3: access\.allow: 'x' is no policy"):
        model.file_values(b'port = 80\n[access]\nallow = "x"\n')


def test_only_what_is_said_is_kept() -> None:
    assert access.parse({}).kept() == {}
    assert access.parse({"allow": "tenant", "paths": []}).kept() == {"allow": ["tenant"]}
    assert access.parse({"paths": [PUBLIC_PART]}).kept() == {"paths": [{"path": "/public/", "allow": ["public"]}]}


def test_a_change_needs_no_new_replicas() -> None:
    changed = difference({}, {"access": {"allow": "tenant"}}, {})
    assert (changed.edges, changed.replicas, changed.builds) == (True, False, ())
    behind = difference({}, {"access": {"allow": "tenant"}}, {"access": {"allow": "public"}})
    assert (behind.edges, behind.behind_file) == (False, ("access.allow",))
