"""The fake keeps the contract that tests/integration/identity holds Keycloak's adapter to."""

from __future__ import annotations

import pytest

from slipway.core.identity.people import KnownPerson
from tests.contracts.people_contract import ACME, UMBRELLA, PeopleContract, PeopleRig
from tests.fakes import FakePeople


class FakeRig:
    def __init__(self) -> None:
        self.people = FakePeople()
        self.people.give_tenant(ACME)
        self.people.give_tenant(UMBRELLA)

    def give(self, login: str, email: str = "", *groups: str, enabled: bool = True) -> KnownPerson:
        return self.people.give(login, email, *groups, enabled=enabled)


class TestFakePeople(PeopleContract):
    @pytest.fixture
    def rig(self) -> PeopleRig:
        return FakeRig()
