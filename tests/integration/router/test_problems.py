"""How requests fail: always a problem document, always with a request id, never with our insides."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from redis.exceptions import ConnectionError as RedisAway
from sqlalchemy.exc import TimeoutError as NoConnectionLeft

from router.usecases import apps
from tests.fixtures.api import REPOSITORY, Api, Caller

APPS = "/api/apps"


def test_unknown_addresses_and_methods(api: Api, owner: Caller) -> None:
    problem = owner.problem(404, "GET", "/api/nothing")
    assert (problem["code"], problem["type"], problem["status"]) == ("not-found", "urn:slipway:error:not-found", 404)
    assert problem["remedy"]
    answer = owner.call("PUT", APPS)
    assert (answer.status_code, answer.json["code"]) == (405, "method-not-allowed")
    assert set(answer.headers["Allow"].split(", ")) >= {"GET", "POST"}
    Caller(api.client).problem(404, "GET", "/api/apps/")


def test_every_field_that_breaks_a_rule_is_listed(owner: Caller) -> None:
    problem = owner.problem(422, "POST", APPS, {"nam": "x", "replicas": "many", "hook": 7})
    assert {each["field"]: each["message"] for each in problem["errors"]} == {
        "name": "is missing",
        "nam": "is no field here",
        "replicas": "must be a whole number",
        "hook": "must be true or false",
    }
    assert owner.problem(422, "GET", "/api/apps/x/deployments?limit=no")["errors"][0]["field"] == "limit"


@pytest.mark.parametrize("text", ["1_0", "%2B5", "%205", "5.0", "0x5", "%D9%A5", ""])
def test_a_number_in_an_address_has_digits_alone(owner: Caller, text: str) -> None:
    assert owner.problem(422, "GET", f"/api/apps/x/deployments?limit={text}")["errors"][0]["field"] == "limit"


@pytest.mark.parametrize(
    ("body", "content_type", "status", "code"),
    [
        (b"{", "application/json", 400, "bad-request"),
        (b"\xff", "application/json", 400, "bad-request"),
        (b"[" * 100_000, "application/json", 400, "bad-request"),
        (b'{"a":' * 600 + b"1" + b"}" * 600, "application/json", 422, "invalid-input"),
        (b"9" * 10_000, "application/json", 400, "bad-request"),
        (b'{"name": NaN}', "application/json", 400, "bad-request"),
        (b'{"replicas": -Infinity}', "application/json", 400, "bad-request"),
        (b'{"replicas": 1e999}', "application/json", 422, "invalid-input"),
        (b"[]", "application/json", 422, "invalid-input"),
        (b"null", "application/json", 422, "invalid-input"),
        (b"name=x", "application/x-www-form-urlencoded", 415, "unsupported-content"),
        (b"{" + b" " * (1 << 20) + b"}", "application/json", 413, "payload-too-large"),
    ],
)
def test_bodies_that_are_no_json_object(
    api: Api, owner: Caller, body: bytes, content_type: str, status: int, code: str
) -> None:
    headers = {"Authorization": f"Bearer {owner.token}"}
    answer = api.client.post(APPS, data=body, headers=headers, content_type=content_type)
    assert (answer.status_code, answer.json["code"]) == (status, code)
    assert answer.content_type == "application/problem+json"
    assert answer.json["detail"]


def test_a_request_id_is_kept_when_well_formed_and_made_otherwise(api: Api) -> None:
    given = api.client.get("/api/account", headers={"X-Request-Id": "0123456789abcdef"})
    assert given.headers["X-Request-Id"] == given.json["request_id"] == "0123456789abcdef"
    for given_id in ("short", "x" * 65, 'a"b<script>'):
        made = api.client.get("/api/account", headers={"X-Request-Id": given_id}).headers["X-Request-Id"]
        assert made != given_id
        assert len(made) == 32


def test_a_defect_leaks_nothing_and_is_logged(
    owner: Caller, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("the secret is hunter2")

    monkeypatch.setattr(apps, "list_apps", broken)
    with caplog.at_level(logging.ERROR):
        problem = owner.problem(500, "GET", APPS)
    assert problem["code"] == "internal"
    assert "hunter2" not in json.dumps(problem)
    assert "RuntimeError" not in json.dumps(problem)
    assert problem["request_id"] in problem["remedy"] or problem["request_id"]
    assert "hunter2" in caplog.text


def test_a_full_connection_pool_is_a_503(owner: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise NoConnectionLeft("pool")

    monkeypatch.setattr(apps, "list_apps", broken)
    answer = owner.call("GET", APPS)
    assert (answer.status_code, answer.json["code"], answer.headers["Retry-After"]) == (
        503,
        "dependency-unavailable",
        "2",
    )


def test_a_lost_database_is_a_503(api: Api, owner: Caller) -> None:
    api.services.db.dispose()
    path = api.services.settings.database_url.removeprefix("sqlite:///")
    with open(path, "r+b") as file:
        file.truncate(0)
        file.write(b"this is no database" * 100)
    answer = owner.call("GET", APPS)
    assert answer.status_code in (500, 503)
    assert "sqlite" not in answer.text.lower()


def test_without_redis_everything_but_the_hint_works(api: Api, owner: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: Any, **__: Any) -> None:
        raise RedisAway("away")

    monkeypatch.setattr(api.services.redis, "execute_command", away)
    owner.create_app()
    assert owner.post("/api/apps/hello/deployments")["state"] == "queued"


def test_an_empty_body_is_an_empty_object(owner: Caller) -> None:
    owner.post(APPS, {"name": "hello", "repository": REPOSITORY}, status=201)
    assert owner.call("POST", "/api/apps/hello/deployments").status_code == 202


def test_answers_are_not_stored_or_sniffed(owner: Caller) -> None:
    headers = owner.call("GET", APPS).headers
    assert (headers["Cache-Control"], headers["X-Content-Type-Options"]) == ("no-store", "nosniff")
