"""Trusted publishers of an app, and the exchange of their CI jobs' tokens."""

from __future__ import annotations

from typing import Annotated, Literal

from apiflask import APIBlueprint
from flask import request
from pydantic import Field

from router import documents
from router.access import principal, services
from router.api.operation import Input, Text, operation
from router.usecases.access import publishers, publishing
from slipway.core.access.roles import Role
from slipway.core.access.trusted_publishers import IssuerKind
from slipway.domain.audit import Actor
from slipway.web.requests import client_address, request_id

blueprint = APIBlueprint("publishers", __name__, tag="Trusted publishers")
NOBODY = "nobody"


class NewPublisher(Input):
    """Which jobs: of a repository at GitHub, of a project at GitLab, or with a subject at any other issuer."""

    kind: IssuerKind
    issuer: Text = Field(default="", description="By default that of github.com or gitlab.com.")
    constraints: Annotated[dict[str, Annotated[str, Field(max_length=500)]], Field(max_length=10)] = Field(
        description="Of github: repository, ref, environment, workflow, repository_id, repository_owner_id. Of gitlab: "
        "project_path, ref, ref_protected, environment, project_id, namespace_id. Of oidc: sub."
    )


class JobTokenExchange(Input):
    """The parameters of RFC 8693, as JSON."""

    grant_type: Literal["urn:ietf:params:oauth:grant-type:token-exchange"]
    subject_token: Annotated[str, Field(max_length=1 << 15)] = Field(description="The job's own token.")
    subject_token_type: Literal["urn:ietf:params:oauth:token-type:jwt", "urn:ietf:params:oauth:token-type:id_token"]
    audience: Text = Field(description="app:<tenant>/<app>")


@operation(blueprint, "GET", "/api/apps/<app>/publishers", role=Role.DEVELOPER, output=documents.TrustedPublishers)
def list_publishers(app: str) -> documents.TrustedPublishers:
    """Whose CI jobs may deploy an app"""
    return publishers.list_publishers(services(), principal(), app)


@operation(
    blueprint,
    "POST",
    "/api/apps/<app>/publishers",
    role=Role.OWNER,
    body=NewPublisher,
    output=documents.TrustedPublisher,
    status=201,
)
def add_publisher(app: str, body: NewPublisher) -> documents.TrustedPublisher:
    """Trust the jobs of a CI system

    Every constraint has to be met. Numbers of repository, project and owner that are not given are those of the first
    job that gets a token: name and number of every later one have to be the same.
    """
    return publishers.add_publisher(services(), principal(), app, **body.model_dump())


@operation(blueprint, "DELETE", "/api/apps/<app>/publishers/<int:publisher>", role=Role.OWNER, status=204)
def remove_publisher(app: str, publisher: int) -> tuple[str, int]:
    """Trust them no longer

    What their jobs were given ends at once.
    """
    publishers.remove_publisher(services(), principal(), app, publisher)
    return "", 204


@operation(
    blueprint, "POST", "/api/publish/token", body=JobTokenExchange, output=documents.PublishToken, failures=(401, 429)
)
def exchange_job_token(body: JobTokenExchange) -> documents.PublishToken:
    """Exchange a CI job's own token for one of an app

    The job's token is for the platform's public URL alone (`aud`), and is good once. What it is exchanged for deploys
    that app and reads its deployments, for a quarter of an hour at most.
    """
    origin = Actor(NOBODY, client_address(request), request_id(request))
    return publishing.exchange(services(), origin, body.audience, body.subject_token)
