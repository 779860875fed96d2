"""A branch that is not there, among those that are."""

from __future__ import annotations

from builder.sources import missing_ref
from slipway.ports.building import Branches


def test_the_default_branch_is_offered_before_others() -> None:
    failure = missing_ref.failure("main", "main", Branches(("develop", "master"), "master"))
    assert failure.message == "the repository has no branch main; it has develop, master"
    assert failure.remedy.splitlines()[0].endswith(": slipway apps set branch=master")


def test_of_many_branches_a_few_are_named() -> None:
    failure = missing_ref.failure("main", "main", Branches(tuple(f"b{number}" for number in range(9))))
    assert failure.message.endswith("; it has b0, b1, b2, b3 and 5 more")


def test_a_branchs_name_can_not_become_a_command() -> None:
    failure = missing_ref.failure("main", "main", Branches(("x;reboot",)))
    assert failure.remedy.splitlines()[0].endswith(": slipway apps set 'branch=x;reboot'")
