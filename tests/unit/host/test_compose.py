"""docker-compose.yml says the same as the services' table, and keeps the promises about who reaches what."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from slipway.host.services import SERVICES

ROOT = Path(__file__).parents[3]
BESIDE = {"prepare", "postgres"}
SOCKET = "/var/run/docker.sock"

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
CONTAINERS: dict[str, Any] = COMPOSE["services"]
OURS = [name for name in CONTAINERS if name not in {"redis", "postgres"}]


def sources(name: str) -> set[str]:
    return {
        volume["source"]
        for volume in CONTAINERS[name].get("volumes", [])
        if isinstance(volume, dict) and "source" in volume
    }


def test_every_service_of_the_table_runs_and_no_other() -> None:
    assert set(CONTAINERS) == {service.name for service in SERVICES} | BESIDE


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_it_stops_as_the_table_says(service: Any) -> None:
    container = CONTAINERS[service.name]
    if service.name == "redis":
        return
    assert container.get("stop_signal", "SIGTERM") == f"SIG{service.stop_signal}"
    assert container["stop_grace_period"] == f"{service.stop_wait_s}s"


def test_only_workers_and_agent_see_the_engine() -> None:
    assert {name for name in CONTAINERS if SOCKET in sources(name)} == {"prepare", "worker", "agent"}


def test_nothing_publishes_a_port() -> None:
    assert [name for name, container in CONTAINERS.items() if "ports" in container] == []


def test_the_webhook_has_no_network_and_one_key() -> None:
    webhook = CONTAINERS["webhook"]
    assert webhook["network_mode"] == "none"
    assert {"type": "tmpfs", "target": "/var/lib/slipway/keys", "tmpfs": {"mode": 0o700}} in webhook["volumes"]
    assert [source for source in sources("webhook") if "/keys/" in source] == [
        "${SLIPWAY_STATE_DIR:-/var/lib/slipway}/keys/hooks.key"
    ]


@pytest.mark.parametrize("name", OURS)
def test_ours_have_no_more_rights_than_they_use(name: str) -> None:
    container = CONTAINERS[name]
    assert container["cap_drop"] == ["ALL"]
    assert container["read_only"] is True
    assert "SYS_ADMIN" not in container.get("cap_add", [])
    assert not container.get("privileged")


@pytest.mark.parametrize("name", CONTAINERS)
def test_images_are_pinned(name: str) -> None:
    image = CONTAINERS[name]["image"]
    assert ":" in image
    assert not image.endswith(":latest")


def test_each_target_is_a_stage_of_the_dockerfile() -> None:
    stages = {
        line.split(" AS ")[1]
        for line in (ROOT / "deploy/docker/Dockerfile").read_text().splitlines()
        if line.startswith("FROM ")
    }
    assert {CONTAINERS[name]["build"]["target"] for name in OURS} <= stages


def test_the_image_that_faces_the_internet_holds_no_builder() -> None:
    web = (ROOT / "deploy/docker/Dockerfile").read_text().split("AS web")[1].split("FROM")[0]
    assert "builder" not in web
    assert "apt-get" not in web
