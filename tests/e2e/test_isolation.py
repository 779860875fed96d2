"""What a hostile repository can't reach, neither while it is built nor while it runs; what its tenant's may."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from tests.fixtures.stack import ROOT, Stack

SPY = ROOT / "tests" / "apps" / "spy"


@contextmanager
def listening() -> Iterator[int]:
    """Somebody's service on all of this host's addresses."""
    with socket.create_server(("0.0.0.0", 0)) as server:
        yield int(server.getsockname()[1])


def deploy_as(stack: Stack, tenant: str, name: str, **values: object) -> str:
    """An app of a tenant of its own; returns its replica's address."""
    token = stack.cli_json("tokens", "create", "--tenant", tenant, "--name", f"tests-{name}")["token"]
    own, stack.token = stack.token, token
    try:
        checkout = stack.app(name)
        stack.deploy(name, checkout, "1")
        [replica] = stack.call("GET", f"/apps/{name}/replicas")["replicas"]
        return str(replica["address"])
    finally:
        stack.token = own


def test_neither_build_nor_replica_reaches_the_host_the_metadata_address_or_another_tenant(stack: Stack) -> None:
    victim = deploy_as(stack, "victim", "victim")
    friend = deploy_as(stack, "acme", "friend")
    settings = stack.settings
    with listening() as port:
        goals = " ".join(
            (
                f"host=gateway:{port}",
                f"edge-of-loopback=gateway:{stack.port}",
                "metadata=169.254.169.254:80",
                f"victim={victim}:8000",
                f"friend={friend}:8000",
                "engine=/var/run/docker.sock",
                f"redis={settings.redis_url.removeprefix('unix://')}",
                f"agent={settings.agent_socket}",
                f"keys={settings.key_dir}",
            )
        )
        checkout = stack.app("spy", source=SPY)
        stack.call("PATCH", "/apps/spy/variables", {"set": {"GOALS": goals}})
        stack.deploy("spy", checkout, "1", goals=goals)
        seen = stack.get("spy").json
    refused = dict.fromkeys(
        ("host", "edge-of-loopback", "metadata", "victim", "friend", "engine", "redis", "agent", "keys"), "refused"
    )
    assert seen["build"] == refused
    assert seen["replica"] == refused | {"friend": "reached"}


def test_internal_paths_and_metrics_are_on_no_public_port(stack: Stack) -> None:
    for path in ("/internal/status", "/internal/", "/metrics", "//internal/status", "/%69nternal/status"):
        answer = stack.request("GET", "slipway.localhost", path)
        assert answer.status in (401, 404), (path, answer.status)


def test_an_image_of_another_tenant_can_not_be_built_from(stack: Stack) -> None:
    deploy_as(stack, "victim", "prey")
    [(name, digest)] = stack.images("slipway.app=prey")
    checkout = stack.app("thief")
    for number, reference in enumerate((name, digest, digest.removeprefix("sha256:"), digest[7:19])):
        dockerfile = f"FROM python:3.11-slim\nCOPY --from={reference} /app /stolen\n"
        failed = stack.deploy("thief", checkout, f"{number}", expect="failed", Dockerfile=dockerfile)
        assert failed["reason"] == "dockerfile-refused", failed
