"""Hosts show their certificates, are checked, and bring jobs at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from rq import Queue

from router.app import create_app
from slipway.adapters.redis import work_queue
from slipway.core.access.roles import Role
from slipway.core.certificates.preflight import Reply
from slipway.domain.preflight import Preflight
from slipway.models import Certificate, now
from slipway.settings import load
from tests.fakes.resolver import FakeResolver
from tests.fixtures.api import Api, Caller, make_services

HOST = "shop.example.org"
DOMAINS = "/api/apps/hello/domains"
HERE = ip_address("198.18.0.7")


class _Edge:
    """What the token is answered with, wherever the name leads."""

    reply = Reply.OURS

    def __init__(self) -> None:
        self.offered: dict[str, str] = {}

    def offer(self, host: str, token: str, answer: str) -> None:
        self.offered[token] = f"{host} {answer}"

    def withdraw(self, token: str) -> None:
        del self.offered[token]

    def ask(self, *_: Any) -> Reply:
        return self.reply


@pytest.fixture
def edge() -> _Edge:
    return _Edge()


@pytest.fixture
def resolver() -> FakeResolver:
    return FakeResolver({(HOST, "A"): [str(HERE)]})


@pytest.fixture
def api(state_dir: Path, sqlite_url: str, redis_url: str, edge: _Edge, resolver: FakeResolver) -> Iterator[Api]:
    made = make_services(state_dir, sqlite_url, redis_url)
    environment = {"STATE_DIR": str(state_dir), "DATABASE_URL": sqlite_url, "REDIS_URL": redis_url}
    settings = load({f"SLIPWAY_{name}": value for name, value in (environment | {"HTTPS_LISTEN": "8443"}).items()})
    preflight = Preflight(resolver, edge, edge, 80, frozenset({HERE}))
    services = replace(made, settings=settings, preflight=preflight)
    yield Api(services, create_app(services).test_client())
    services.db.dispose()
    services.redis.close()


def _jobs(api: Api) -> list[tuple[Any, ...]]:
    queue = Queue(work_queue.CERTIFICATES, connection=api.services.redis, serializer=work_queue.SERIALIZER)
    return [tuple(job.args) for job in queue.jobs]


def _certificate(api: Api, **values: Any) -> Certificate:
    with api.services.db.write(platform="a test looks") as session:
        row = session.query(Certificate).filter_by(names_key=HOST).one()
        for name, value in values.items():
            setattr(row, name, value)
        return row


def test_a_host_that_is_added_brings_a_job_at_once(api: Api, owner: Caller) -> None:
    owner.create_app()

    made = owner.post(DOMAINS, {"host": HOST}, status=201)

    row = _certificate(api)
    assert made["certificate"]["state"] == "waiting"
    assert _jobs(api) == [(row.id, row.lease)]
    assert row.tenant_id == api.tenant_id()


def test_how_it_stands_is_shown(api: Api, owner: Caller) -> None:
    owner.create_app()
    owner.post(DOMAINS, {"host": HOST}, status=201)
    begin = now() - timedelta(days=89)
    _certificate(api, state="issued", serial="a1", not_before=begin, not_after=begin + timedelta(days=90))

    first, own = owner.get(DOMAINS)["domains"]

    assert first["certificate"]["state"] == "none"
    assert "this machine" in first["certificate"]["detail"]
    assert (own["certificate"]["state"], own["certificate"]["serial"]) == ("issued", "a1")
    [expiry] = owner.get("/api/metrics")["certificates"]
    assert expiry["alarm"]
    assert 86000 < expiry["expires_in_s"] <= 86400


def test_its_address_is_one_of_https_while_it_has_a_certificate(api: Api, owner: Caller) -> None:
    owner.create_app()
    added = owner.post(DOMAINS, {"host": HOST}, status=201)["url"]
    _certificate(api, state="issued", not_before=now(), not_after=now() + timedelta(days=90))

    certified, urls = owner.get(DOMAINS)["domains"][1]["url"], owner.get("/api/apps/hello")["urls"]

    assert (added, certified) == (f"http://{HOST}:8080/", f"https://{HOST}:8443/")
    assert urls == ["http://hello.localhost:8080/", certified], "the other host has none"
    _certificate(api, not_after=now() - timedelta(seconds=1))
    assert owner.get(DOMAINS)["domains"][1]["url"] == added, "it has run out"


def test_a_check_names_the_record_to_set(api: Api, owner: Caller, resolver: FakeResolver) -> None:
    owner.create_app()
    owner.post(DOMAINS, {"host": HOST}, status=201)
    resolver.records.clear()

    found = owner.post(f"{DOMAINS}/{HOST}/check", status=200)

    assert (found["ok"], found["reason"]) == (False, "dns-no-address")
    assert found["set_records"] == [{"type": "A", "name": HOST, "value": str(HERE)}]


def test_a_check_without_findings_is_the_next_attempt(api: Api, owner: Caller) -> None:
    owner.create_app()
    owner.post(DOMAINS, {"host": HOST}, status=201)
    row = _certificate(api, state="failed", reason="rejected-name", lease=5, next_attempt_at=now() + timedelta(days=1))

    assert owner.post(f"{DOMAINS}/{HOST}/check", status=200)["ok"]

    assert _certificate(api).state == "waiting"
    assert (row.id, 5) in _jobs(api)


def test_a_check_of_something_else_at_the_address(api: Api, owner: Caller, edge: _Edge) -> None:
    owner.create_app()
    owner.post(DOMAINS, {"host": HOST}, status=201)
    edge.reply = Reply.OTHER

    assert owner.post(f"{DOMAINS}/{HOST}/check", status=200)["reason"] == "other-answer"


def test_only_hosts_of_the_app_are_checked(api: Api, owner: Caller, stranger: Caller) -> None:
    """No tenant has this server ask for a name that is not theirs."""
    owner.create_app()
    owner.post(DOMAINS, {"host": HOST}, status=201)
    stranger.create_app()

    stranger.problem(404, "POST", f"{DOMAINS}/{HOST}/check")
    owner.problem(404, "POST", f"{DOMAINS}/other.example.org/check")
    api.caller("acme", Role.VIEWER).problem(403, "POST", f"{DOMAINS}/{HOST}/check")


def test_a_stranger_sees_nothing_of_a_certificate(api: Api, owner: Caller, stranger: Caller) -> None:
    owner.create_app()
    owner.post(DOMAINS, {"host": HOST}, status=201)
    stranger.create_app()

    assert stranger.get("/api/metrics")["certificates"] == []


def test_a_host_that_is_removed_takes_its_certificate_along(api: Api, owner: Caller) -> None:
    owner.create_app()
    owner.post(DOMAINS, {"host": HOST}, status=201)
    lease = _certificate(api).lease

    owner.delete(f"{DOMAINS}/{HOST}")

    row = _certificate(api)
    assert row.state == "removed"
    assert row.lease > lease, "a job that works on it loses it"
    assert (row.id, row.lease) in _jobs(api)
