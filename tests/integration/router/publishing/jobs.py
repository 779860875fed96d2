"""CI jobs of tests: what GitHub and GitLab say of them in a token, from a local issuer."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from functools import cache
from typing import Any

from joserfc.jwk import RSAKey
from werkzeug.test import TestResponse

from slipway.core.access.roles import Role
from tests.fixtures.api import Api, Caller
from tests.fixtures.identity.oidc_provider import OidcProvider, without_none
from tests.fixtures.identity.oidc_tokens import Key, signed

PUBLIC_URL = "https://slipway.example.org"
EXCHANGE = "/api/publish/token"
UNACCEPTED = "No trusted publisher of app:acme/shop accepts this job."
REPOSITORY = {"repository": "octo/shop"}


@cache
def other_key() -> RSAKey:
    """None of the issuer's, though its id is the same."""
    return RSAKey.generate_key(2048, {"kid": "rsa-1", "use": "sig", "alg": "RS256"})


def github_claims(issuer: str, **claims: Any) -> dict[str, Any]:
    """Of a push to main of octo/shop (https://docs.github.com/en/actions/reference/security/oidc). None leaves a claim
    out."""
    now = int(time.time())
    usual = {
        "iss": issuer,
        "aud": PUBLIC_URL,
        "sub": "repo:octo/shop:ref:refs/heads/main",
        "jti": str(uuid.uuid4()),
        "iat": now,
        "nbf": now - 5,
        "exp": now + 300,
        "repository": "octo/shop",
        "repository_id": "456",
        "repository_owner": "octo",
        "repository_owner_id": "123",
        "repository_visibility": "private",
        "ref": "refs/heads/main",
        "ref_type": "branch",
        "ref_protected": "true",
        "event_name": "push",
        "workflow": "Deploy",
        "workflow_ref": "octo/shop/.github/workflows/deploy.yml@refs/heads/main",
        "job_workflow_ref": "octo/shop/.github/workflows/deploy.yml@refs/heads/main",
        "sha": "a" * 40,
        "actor": "ada",
        "run_id": "77",
        "runner_environment": "github-hosted",
    }
    return without_none({**usual, **claims})


def gitlab_claims(issuer: str, **claims: Any) -> dict[str, Any]:
    """Of a push to main of octo/web/shop (https://docs.gitlab.com/ci/secrets/id_token_authentication)."""
    now = int(time.time())
    usual = {
        "iss": issuer,
        "aud": PUBLIC_URL,
        "sub": "project_path:octo/web/shop:ref_type:branch:ref:main",
        "jti": str(uuid.uuid4()),
        "iat": now,
        "nbf": now - 5,
        "exp": now + 3600,
        "namespace_id": "72",
        "namespace_path": "octo/web",
        "project_id": "20",
        "project_path": "octo/web/shop",
        "user_login": "ada",
        "pipeline_id": "574",
        "pipeline_source": "push",
        "job_id": "302",
        "ref": "main",
        "ref_type": "branch",
        "ref_path": "refs/heads/main",
        "ref_protected": "true",
        "sha": "a" * 40,
    }
    return without_none({**usual, **claims})


class Jobs:
    """Exchanges tokens of the issuer's jobs, for the app `shop` of one tenant unless a test says otherwise."""

    def __init__(self, api: Api, issuer: OidcProvider, tenant: str, owner: Caller) -> None:
        self.api = api
        self.issuer = issuer
        self.tenant = tenant
        self.owner = owner
        self.address = f"2001:db8:{int.from_bytes(uuid.uuid4().bytes[:2]):x}::1"
        """Refusals are counted by address."""

    def audience(self, app: str = "shop") -> str:
        return f"app:{self.tenant}/{app}"

    def token(self, header: Mapping[str, Any] | None = None, key: Key | None = None, **claims: Any) -> str:
        return signed(github_claims(self.issuer.issuer, **claims), key or self.issuer.key, header)

    def gitlab_token(self, **claims: Any) -> str:
        return signed(gitlab_claims(self.issuer.issuer, **claims), self.issuer.key)

    def trust(self, owner: Caller | None = None, app: str = "shop", kind: str = "github", **constraints: str) -> int:
        body = {"kind": kind, "issuer": self.issuer.issuer, "constraints": constraints or REPOSITORY}
        return int((owner or self.owner).post(f"/api/apps/{app}/publishers", body, status=201)["id"])

    def ask(self, token: str, audience: str = "", **fields: Any) -> TestResponse:
        usual = {
            "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
            "subject_token": token,
            "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
            "audience": audience or self.audience(),
        }
        headers = {"X-Forwarded-For": self.address}
        return self.api.client.post(EXCHANGE, json={**usual, **fields}, headers=headers)

    def job(self, token: str = "", audience: str = "") -> Caller:
        """A job that got a token of the platform."""
        answer = self.ask(token or self.token(), audience)
        assert answer.status_code == 200, answer.text
        return Caller(self.api.client, answer.get_json()["access_token"])

    def refusal(self, token: str, audience: str = "") -> str:
        """What a job is told that gets no token."""
        answer = self.ask(token, audience)
        assert answer.status_code == 401, answer.text
        detail: str = answer.get_json()["detail"]
        return detail.replace(f"app:{self.tenant}/", "app:acme/")

    def stranger(self) -> Caller:
        """An owner of another tenant, which has an app `shop` as well."""
        made = self.api.caller(f"globex-{self.tenant}", Role.OWNER)
        made.create_app("shop", repository="https://github.example/globex/shop.git")
        return made
