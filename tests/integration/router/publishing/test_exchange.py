"""A CI job deploys an app with nothing but its own token."""

from __future__ import annotations

from slipway.domain.publishing import LIFETIME_S
from tests.fixtures.api import Caller
from tests.fixtures.identity.oidc_provider import OidcProvider
from tests.integration.router.publishing.jobs import Jobs


def test_a_job_of_the_repository_deploys_the_app(jobs: Jobs, owner: Caller) -> None:
    jobs.trust(owner)
    answer = jobs.ask(jobs.token()).get_json()
    assert answer["token_type"] == "Bearer"
    assert answer["issued_token_type"] == "urn:ietf:params:oauth:token-type:access_token"
    assert 0 < answer["expires_in"] <= LIFETIME_S <= 15 * 60
    made = Caller(jobs.api.client, answer["access_token"]).post("/api/apps/shop/deployments", {})
    assert owner.get(f"/api/deployments/{made['id']}")["app"] == "shop"
