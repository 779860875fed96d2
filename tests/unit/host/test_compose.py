"""docker-compose.yml says the same as the services' table, and keeps the promises about who reaches what."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from slipway.host.install import keycloak
from slipway.host.install.folders import prepare
from slipway.host.processes.services import SERVICES
from slipway.settings import load

ROOT = Path(__file__).parents[3]
BESIDE = {"prepare", "postgres"}
ON_THE_HOST = {"backup"}
"""It reads what containers keep from each other (docs/guide/backup.md)."""
IN_CONTAINERS = [service for service in SERVICES if service.name not in ON_THE_HOST]
SOCKET = "/var/run/docker.sock"
STATE = "${SLIPWAY_STATE_DIR:-/var/lib/slipway}"

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
CONTAINERS: dict[str, Any] = COMPOSE["services"]
OURS = [name for name in CONTAINERS if name not in {"redis", "postgres"}]


def sources(name: str) -> set[str]:
    return {
        volume["source"]
        for volume in CONTAINERS[name].get("volumes", [])
        if isinstance(volume, dict) and "source" in volume
    }


def targets(name: str) -> dict[str, str]:
    """Where a container sees what: path inside → folder or volume."""
    volumes = CONTAINERS[name]["volumes"]
    long = {volume["target"]: volume.get("source", "") for volume in volumes if isinstance(volume, dict)}
    return long | {volume.split(":")[1]: volume.split(":")[0] for volume in volumes if isinstance(volume, str)}


def test_every_service_of_the_table_runs_and_no_other() -> None:
    assert set(CONTAINERS) == {service.name for service in IN_CONTAINERS} | BESIDE


@pytest.mark.parametrize("service", IN_CONTAINERS, ids=lambda service: service.name)
def test_it_stops_as_the_table_says(service: Any) -> None:
    container = CONTAINERS[service.name]
    if service.name == "redis":
        return
    assert container.get("stop_signal", "SIGTERM") == f"SIG{service.stop_signal}"
    assert container["stop_grace_period"] == f"{service.stop_wait_s}s"


def test_only_workers_and_agent_see_the_engine() -> None:
    assert {name for name in CONTAINERS if SOCKET in sources(name)} == {"prepare", "worker", "agent"}


def test_who_measures_containers_sees_the_hosts_control_groups() -> None:
    measuring = {name for name in CONTAINERS if "/sys/fs/cgroup" in sources(name)}
    assert measuring == {"worker", "agent"}
    assert {CONTAINERS[name]["cgroup"] for name in measuring} == {"host"}


def test_the_agent_sees_and_ends_what_runs_in_replicas() -> None:
    assert CONTAINERS["agent"]["pid"] == "host"
    assert {"KILL", "SYS_PTRACE"} <= set(CONTAINERS["agent"]["cap_add"])


def test_what_the_database_says_stays_between_the_services() -> None:
    postgres = CONTAINERS["postgres"]
    assert postgres["environment"]["POSTGRES_INITDB_ARGS"] == "--auth=scram-sha-256"
    assert targets("postgres")["/var/run/postgresql"] == f"{STATE}/postgres-run"
    assert postgres["network_mode"] == "none"


def test_prepare_alone_is_given_what_changes_the_schema() -> None:
    given = {name: CONTAINERS[name].get("environment", {}).get("SLIPWAY_DATABASE_OWNER_URL") for name in OURS}
    assert given.pop("prepare") == "${SLIPWAY_DATABASE_OWNER_URL:-}"
    assert {name for name, value in given.items() if value != ""} == {"keycloak"}, "which gets no setting of ours"


def test_folders_that_a_container_is_given_are_made_by_prepare_or_by_the_engine(tmp_path: Path) -> None:
    prepare(load({"SLIPWAY_STATE_DIR": str(tmp_path / "s")}))
    for container in CONTAINERS.values():
        for volume in container.get("volumes", []):
            source = str(volume.get("source", "")) if isinstance(volume, dict) else ""
            if source.startswith(STATE) and not volume.get("bind", {}).get("create_host_path"):
                assert (tmp_path / "s" / source.removeprefix(STATE).lstrip("/")).exists()


def test_images_volumes_are_taken_by_folders_of_ours() -> None:
    """A volume of the image's would be made anew, without a name, by every `up`."""
    assert "/data" in targets("redis")
    assert "/var/lib/postgresql/data" in targets("postgres")


def test_settings_of_compose_alone_do_not_look_like_the_platforms() -> None:
    """.env is everybody's, and services refuse a SLIPWAY_ name that they don't know."""
    used = set(re.findall(r"\$\{(SLIPWAY_\w+)", (ROOT / "docker-compose.yml").read_text()))
    load({name: "2" if name == "SLIPWAY_WORKERS" else "/a" if name.endswith("DIR") else "a" for name in used})


def test_images_carry_the_projects_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert {CONTAINERS[name]["image"].rpartition(":")[2] for name in OURS} == {version}


def test_nothing_publishes_a_port() -> None:
    assert [name for name, container in CONTAINERS.items() if "ports" in container] == []


def test_only_who_reaches_replicas_repositories_or_clients_has_a_network() -> None:
    networks = {
        name: container.get("network_mode", "a network of the project") for name, container in CONTAINERS.items()
    }
    assert networks.pop("router") == "${ROUTER_NETWORK:-none}"  # which sign-on needs
    assert {name for name, network in networks.items() if network != "none"} == {
        *("prepare", "worker", "agent", "edge"),
        "keycloak",  # browsers come to it
        *("certificates", "dns"),  # authorities are asked, and ask
    }


@pytest.mark.parametrize(
    ("name", "hidden"),
    [
        ("webhook", {"keys", "edge", "buildkit"}),
        ("router", {"edge", "buildkit"}),
        ("edge", {"keys", "buildkit"}),
        ("dns", {"keys", "edge", "buildkit", "certificates", "certbot"}),
    ],
)
def test_who_faces_the_internet_sees_neither_others_keys_nor_what_others_obey(name: str, hidden: set[str]) -> None:
    covers = [volume for volume in CONTAINERS[name]["volumes"] if volume["type"] == "tmpfs"]
    assert {cover["target"].removeprefix("/var/lib/slipway/") for cover in covers} == hidden
    assert all(cover["tmpfs"]["mode"] == 0o700 for cover in covers)


def test_of_the_keys_the_webhook_is_given_the_hooks_alone() -> None:
    given = {name: source for name in ("webhook", "edge") for source in sources(name) if "/keys/" in source}
    assert given == {"webhook": f"{STATE}/keys/hooks.key"}


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


def test_each_image_is_built_once_from_a_stage_of_the_dockerfile() -> None:
    """Built by each service that runs from it, it would be exported as often, all but one without a name."""
    built = [container["image"] for container in CONTAINERS.values() if "build" in container]
    assert sorted(built) == sorted({CONTAINERS[name]["image"] for name in OURS})
    stages = {
        line.split(" AS ")[1]
        for line in (ROOT / "deploy/docker/Dockerfile").read_text().splitlines()
        if line.startswith("FROM ")
    }
    builds = [container["build"] for container in CONTAINERS.values() if "build" in container]
    assert {build["dockerfile"] for build in builds} == {"deploy/docker/Dockerfile", "keycloak/Dockerfile"}
    of_ours = [build for build in builds if build["dockerfile"] == "deploy/docker/Dockerfile"]
    assert {build["target"] for build in of_ours} <= stages


def test_the_keycloak_in_a_container_is_the_one_of_bare_hosts() -> None:
    """Its version and its build's options; and it listens on loopback alone."""
    text = " ".join((ROOT / "keycloak/Dockerfile").read_text().replace("\\\n", " ").split())
    assert re.findall(r"FROM keycloak/keycloak:(\S+)", text) == [keycloak.VERSION, keycloak.VERSION]
    assert f"kc.sh build {' '.join(keycloak.BUILD_OPTIONS)}" in text
    environment = CONTAINERS["keycloak"]["environment"]
    assert {environment["KC_HTTP_HOST"], environment["KC_HTTP_MANAGEMENT_HOST"]} == {"127.0.0.1"}
    assert CONTAINERS["keycloak"]["profiles"] == ["keycloak"]


def test_the_image_that_faces_the_internet_holds_no_builder() -> None:
    web = (ROOT / "deploy/docker/Dockerfile").read_text().split("AS web")[1].split("FROM")[0]
    assert "builder" not in web
    assert "apt-get" not in web
