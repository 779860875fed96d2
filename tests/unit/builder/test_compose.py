"""A compose file is read, its services are listed with what each would be, and nothing of it is run."""

from __future__ import annotations

from pathlib import Path

import pytest

from builder.sources import compose
from builder.sources.compose import Service
from slipway.errors import DeploymentFailed
from tests.unit.builder.test_build_plan import make, refused

COMPOSE = """\
# the whole shop
version: "3"
x-logging: &logging
  driver: json-file
services:
  web:
    build: ./web   # here
    ports: ["80:80"]
    depends_on:
      - db
  'api':
    image: "registry.example/api:2"
    build:
      context: services/api/
      dockerfile: Dockerfile.prod
      args:
        image: not-this
  db:
    image: postgres:16
    environment:
      build: not-this
  odd: {image: redis}
volumes:
  web:
    driver: local
"""
SERVICES = [
    Service("web", context="web"),
    Service("api", context="services/api", image="registry.example/api:2"),
    Service("db", image="postgres:16"),
    Service("odd"),
]


def test_services_are_read_with_what_they_are_made_of() -> None:
    assert compose.services(COMPOSE) == SERVICES


@pytest.mark.parametrize("text", ["", "services:\n", "web:\n  image: x\n", "[]\n", "\t\n: :\n", "services: {}\n"])
def test_what_has_no_services_gives_none(text: str) -> None:
    assert compose.services(text) == []


def test_a_compose_file_alone_is_refused_with_what_each_service_would_be(tmp_path: Path) -> None:
    failed: DeploymentFailed = refused(
        tmp_path, **{"docker-compose__yml": COMPOSE, "web___Dockerfile": "FROM python\n"}
    )
    assert failed.reason == "not-recognised"
    assert 'web: an app of this repository, built from [build] context = "web"' in failed.message
    assert "db: an app of the image postgres:16 (slipway apps create … --image postgres:16)" in failed.message
    assert "odd: neither build nor image is read" in failed.message
    assert "[build] context" in failed.remedy


def test_beside_a_dockerfile_the_log_says_that_it_is_not_used(tmp_path: Path) -> None:
    made = make(tmp_path, Dockerfile="FROM python\n", compose__yaml=COMPOSE)
    assert "compose.yaml is not used: its services (web, api, db, odd) are not started" in made.notes


def test_beside_a_language_too(tmp_path: Path) -> None:
    made = make(tmp_path, go__mod="module a\n", main__go="package main\n", compose__yml=COMPOSE)
    assert made.builder == "go"
    assert "compose.yml is not used: its services (web, api, db, odd) are not started" in made.notes


def test_many_services_are_counted() -> None:
    many = [Service(f"s{number}", image="x") for number in range(compose.MOST_SHOWN + 3)]
    assert compose.proposals(many)[-1] == "and 3 more"
