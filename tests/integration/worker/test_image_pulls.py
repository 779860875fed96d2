"""A worker that is killed ends its pull, in the Engine too; the next one pulls the same digest to the end."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest

from slipway.adapters.vault import Vault
from slipway.core.deployment.states import State
from slipway.domain import intents, lifecycle
from slipway.models import App
from tests.fixtures.engine import ready_engine
from tests.fixtures.services.registry import PASSWORD, USER, Registry, Relay, running_registry
from tests.integration.worker.conftest import Yard, processes_with

pytestmark = pytest.mark.engine


@pytest.fixture
def registry(yard: Yard) -> Iterator[Registry]:
    cli = ready_engine(yard.settings)
    with running_registry(cli, yard.settings.docker_host, locked=True) as registry:
        yield registry


@pytest.fixture
def relay(registry: Registry) -> Iterator[Relay]:
    relay = Relay(registry.port, 1 << 20)
    yield relay
    relay.close()


def test_a_killed_workers_pull_stops_and_is_taken_over(yard: Yard, registry: Registry, relay: Relay) -> None:
    digest = registry.push("acme/shop:1", {"big": secrets.token_bytes(4 << 20)}, "EXPOSE 8123")
    yard.environment["SLIPWAY_REGISTRIES"] = "127.0.0.1"
    with yard.db.write(tenant_id=yard.tenant_id) as session:
        app = session.get_one(App, yard.app_id)
        app.source, app.repository, app.image = "image", "", f"{relay.host}/acme/shop:1"
        vault = Vault(yard.settings.key_dir / "values.key")
        app.credential = vault.seal(f"{USER}:{PASSWORD}", yard.tenant_id, yard.app_id, "credential")
        deployment = intents.deploy(session, app, ref=app.image, actor="test")
    worker = yard.start_worker()
    yard.queue.enqueue_build(deployment.id, 0)
    assert relay.slow.wait(30)
    assert processes_with(PASSWORD) == []
    worker.kill()
    worker.wait(60)
    assert relay.hung_up.wait(60), "the Engine stops"
    assert yard.row(deployment).state == "fetching", "the agent requeues it when its heartbeat is old enough"
    with yard.changed(deployment) as row:  # as the agent does
        lifecycle.advance(row, State.QUEUED)
        row.attempt += 1
    registry.push("acme/shop:1", {"marker": secrets.token_bytes(8)})  # the tag moves on
    relay.open_up()
    yard.start_worker()
    yard.queue.enqueue_build(deployment.id, 1)
    row = yard.reaches(deployment, "starting")
    assert f"sha256:{row.commit_sha}" == digest
    [build] = yard.builds()
    assert (build.exposed_port, build.builder) == (8123, "image")
    assert list((yard.settings.state_dir / "pulls").glob("*")) == []
    assert PASSWORD not in "\n".join(yard.lines(deployment)) + yard.worker_log()
