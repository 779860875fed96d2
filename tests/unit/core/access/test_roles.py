from __future__ import annotations

import pytest

from slipway.core.access.roles import Role, may, require
from slipway.errors import NotAllowed


@pytest.mark.parametrize(
    ("role", "enough_for"),
    [
        (Role.VIEWER, {Role.VIEWER}),
        (Role.DEVELOPER, {Role.VIEWER, Role.DEVELOPER}),
        (Role.OWNER, {Role.VIEWER, Role.DEVELOPER, Role.OWNER}),
    ],
)
def test_each_role_may_do_what_those_below_may(role: Role, enough_for: set[Role]) -> None:
    assert {needed for needed in Role if may(role, needed)} == enough_for


def test_a_refusal_names_the_role_that_is_needed() -> None:
    require(Role.OWNER, Role.OWNER)
    with pytest.raises(NotAllowed, match="owner") as refused:
        require(Role.VIEWER, Role.OWNER)
    assert "--role owner" in refused.value.remedy


def test_a_person_reads_who_gives_them_the_role_and_of_no_token() -> None:
    with pytest.raises(NotAllowed) as refused:
        require(Role.VIEWER, Role.OWNER, login="vic")
    assert "slipway users role vic owner" in refused.value.remedy
    assert "token" not in refused.value.remedy
