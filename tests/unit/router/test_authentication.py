"""Every request comes in by one door, whatever it proves its caller with."""

from __future__ import annotations

from typing import cast

import pytest
from flask import Flask, request
from flask.testing import FlaskClient

from router import authentication
from router.app import create_app
from router.authentication import AUTHENTICATORS, Credentials, authenticate
from router.principal import Kind, Principal
from router.services import Services
from slipway.core.access.roles import Role
from slipway.domain.audit import Actor
from slipway.errors import NotAuthenticated

NO_SERVICES = cast("Services", None)
ORIGIN = {"X-Forwarded-For": "203.0.113.9", "X-Request-Id": "request-0001"}


def person(role: Role, credentials: Credentials) -> Principal:
    origin = {"address": credentials.address, "request_id": credentials.request_id}
    return Principal(Kind.PERSON, "b3c1", "ada", 7, "acme", role, **origin)


def by_cookie(_services: Services, credentials: Credentials) -> Principal | None:
    """Takes any session, and the role that it names."""
    session = credentials.cookies.get("session")
    if session == "ended":
        raise NotAuthenticated("The session has ended.")
    return person(Role(session), credentials) if session else None


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    """Of the whole API, with another authenticator behind the others."""
    monkeypatch.setattr(authentication, "AUTHENTICATORS", (*AUTHENTICATORS, by_cookie))
    return create_app(NO_SERVICES).test_client()


def test_another_kind_of_credentials_is_taken_on_every_route_without_touching_one(client: FlaskClient) -> None:
    client.set_cookie("session", "viewer")
    who = {"kind": "person", "name": "ada", "tenant": "acme", "role": "viewer", "token": "ada"}
    assert client.get("/api/account").json == who
    refused = client.delete("/api/apps/hello")
    assert (refused.status_code, refused.json and refused.json["code"]) == (403, "not-allowed")


def test_without_any_credentials_nobody_comes_in(client: FlaskClient) -> None:
    assert client.get("/api/account").status_code == 401


def test_credentials_that_are_not_valid_are_not_given_to_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authentication, "AUTHENTICATORS", (by_cookie, lambda _services, c: person(Role.OWNER, c)))
    app = create_app(NO_SERVICES)
    client = app.test_client()
    client.set_cookie("session", "ended")
    refused = client.get("/api/account")
    assert (refused.status_code, refused.json and refused.json["detail"]) == (401, "The session has ended.")


def test_the_audit_log_names_a_principal_by_its_kind_and_from_where_it_came(client: FlaskClient) -> None:
    client.set_cookie("session", "owner")
    with client:
        client.get("/api/account", headers=ORIGIN)
        found = authenticate(NO_SERVICES, request)
    assert found.actor == Actor("person:ada", "203.0.113.9", "request-0001")


@pytest.mark.parametrize(
    ("header", "bearer"), [("Bearer abc", "abc"), ("bearer abc", "abc"), ("Basic eDp5", ""), ("Bearer", ""), ("", "")]
)
def test_a_bearer_token_is_read_from_its_own_scheme_alone(header: str, bearer: str) -> None:
    with Flask("test").test_request_context(headers={"Authorization": header} if header else {}):
        assert Credentials.of(request).bearer == bearer


def test_there_is_a_kind_for_tokens_people_and_workloads() -> None:
    assert list(Kind) == ["token", "person", "workload"]
