from __future__ import annotations

import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field

import pytest

from slipway.adapters.docker.runtime import DockerRuntime
from slipway.adapters.firewall import install
from tests.fixtures.engine import TENANTS, EnginePart, engine_part
from tests.fixtures.ports import free_port
from tests.fixtures.waiting import eventually
from tests.integration.firewall.neighbourhood import (
    ASK,
    METADATA,
    OUTSIDE_PORT,
    OutsideWorld,
    answers,
    host_address,
    listener,
    outside_world,
)

SERVE = "import socket; s = socket.create_server(('', 8000))\nwhile True: s.accept()[0].close()"
BUILD_GATEWAY = "172.17.0.1"

Ask = Callable[..., dict[str, bool]]


@dataclass(frozen=True)
class Places:
    """`address port` of everything that a container might try to reach."""

    edge: tuple[str, ...]
    host: tuple[str, ...]
    metadata: str
    outside: str
    same_tenant: str
    other_tenant: str
    world: OutsideWorld = field(repr=False)


@pytest.fixture(scope="module")
def engine() -> Iterator[EnginePart]:
    with engine_part(http_listen=str(free_port())) as part:
        yield part


@pytest.fixture(scope="module")
def runtime(engine: EnginePart) -> Iterator[DockerRuntime]:
    """With a replica of each of two tenants."""
    with closing(engine.runtime()) as runtime:
        for tenant in TENANTS:
            address = runtime.start(engine.spec(tenant, argv=("python", "-c", SERVE))).address
            eventually(lambda address=address: accepts(address, 8000), what="the replica listens")
        yield runtime


@pytest.fixture(scope="module")
def places(engine: EnginePart, runtime: DockerRuntime) -> Iterator[Places]:
    edge_port = int(engine.settings.http_listen)
    gateway = engine.api.inspect_network("bridge")["IPAM"]["Config"][0].get("Gateway", BUILD_GATEWAY)
    replicas = {each.tenant_id: str(each.address) for each in runtime.list()}
    acme, globex = (replicas[engine.spec(tenant).tenant_id] for tenant in TENANTS)
    tenant_gateway = f"{acme.rpartition('.')[0]}.1"
    ours = (tenant_gateway, gateway, host_address())
    with ExitStack() as stack:
        stack.enter_context(listener("0.0.0.0", edge_port))
        everywhere = stack.enter_context(listener("0.0.0.0"))
        loopback = stack.enter_context(listener("127.0.0.1"))
        world = stack.enter_context(outside_world())
        yield Places(
            edge=tuple(f"{address} {edge_port}" for address in ours),
            host=(*(f"{address} {everywhere}" for address in ours), *(f"{address} {loopback}" for address in ours)),
            metadata=f"{METADATA} {OUTSIDE_PORT}",
            outside=f"{world.address} {OUTSIDE_PORT}",
            same_tenant=f"{acme} 8000",
            other_tenant=f"{globex} 8000",
            world=world,
        )


@pytest.fixture
def rules(engine: EnginePart) -> Iterator[None]:
    install.ensure(engine.settings)
    yield
    install.remove(engine.settings)


@pytest.fixture
def from_replica(engine: EnginePart, runtime: DockerRuntime) -> Ask:
    def ask(*places: str) -> dict[str, bool]:
        spec = engine.spec("acme", slot=50)
        return answers(runtime.run_task(spec, ("python", "-c", ASK, *places), timeout_s=30).tail)

    return ask


@pytest.fixture
def from_build(engine: EnginePart) -> Ask:
    def ask(*places: str) -> dict[str, bool]:
        asked = ", ".join(
            f'"{word}"' for word in ("python", "-c", ASK.replace("\n", "\\n").replace('"', '\\"'), *places)
        )
        done = subprocess.run(
            [engine.cli, "build", "--no-cache", "--progress=plain", "-"],
            input=f"FROM {engine.settings.python_image}\nRUN [{asked}]\n", capture_output=True, text=True,
            env={"DOCKER_BUILDKIT": "1", "DOCKER_HOST": engine.settings.docker_host, "PATH": "/usr/sbin:/usr/bin:/bin"},
            timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return answers(done.stderr)

    return ask


def accepts(address: str, port: int) -> bool:
    try:
        socket.create_connection((address, port), timeout=2).close()
    except OSError:
        return False
    return True
