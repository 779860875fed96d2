"""Two tenants in a migrated database."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from slipway.db import Database
from slipway.models import App
from tests.fixtures.rows import add_app, add_tenant


@dataclass(frozen=True)
class TwoTenants:
    """`acme` and `other`, each with an app called hello."""

    acme: int
    other: int
    acmes_app: App
    others_app: App


@pytest.fixture
def tenants(database: Database) -> TwoTenants:
    acme, other = add_tenant(database, "acme"), add_tenant(database, "other")
    return TwoTenants(acme, other, add_app(database, acme), add_app(database, other))
