"""From a push at a real Gitea to an image that a worker builds, with a submodule and what LFS keeps."""

from __future__ import annotations

import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from docker import APIClient

from slipway.adapters.redis import work_queue
from slipway.adapters.redis.deployment_log import RedisDeploymentLog
from slipway.adapters.vault import Vault, create_key_file
from slipway.core.push.skip_request import mark_in
from slipway.db import Database
from slipway.domain import intents
from slipway.models import App, Deployment
from slipway.settings import Settings, load
from tests.fixtures.engine import ready_engine, remove_installation
from tests.fixtures.rows import add_app, add_tenant
from tests.fixtures.services.forked import ForkedModule
from tests.fixtures.services.redis_server import RedisServer
from tests.fixtures.waiting import eventually
from tests.integration.forges.conftest import Hosted
from tests.integration.forges.test_sources_of_gitea import ATTRIBUTES, CONTENT, pointer, upload

BASE = "python:3.11-slim"
DOCKERFILE = f"""FROM {BASE}
COPY lib/lib.py logo.bin /app/
RUN test "$(stat -c %s /app/logo.bin)" = {len(CONTENT)} && grep -q 'x = 1' /app/lib.py
"""


class Host:
    """A worker, and an app of Gitea's repository."""

    def __init__(self, settings: Settings, environment: dict[str, str], hosted: Hosted) -> None:
        self.settings = settings
        self.db = Database(settings.database_url)
        self.queue = work_queue.WorkQueue(work_queue.connect(settings.redis_url), job_timeout_s=300)
        self.log = RedisDeploymentLog(work_queue.connect(settings.redis_url), settings.log_dir)
        create_key_file(settings.key_dir / "values.key")
        self.tenant_id = add_tenant(self.db)
        app = add_app(self.db, self.tenant_id, "shop", repository=hosted.url)
        vault = Vault(settings.key_dir / "values.key")
        with self.db.write(tenant_id=self.tenant_id) as session:
            sealed = vault.seal(hosted.gitea.token, self.tenant_id, app.id, "credential")
            session.get_one(App, app.id).credential = sealed
        self.app_id = app.id
        self.worker = ForkedModule("builder.worker", environment, settings.log_dir / "worker.log")

    def push(self, commit: str, message: str = "") -> int:
        pushed = intents.Pushed("refs/heads/main", commit, message)
        with self.db.write(tenant_id=self.tenant_id) as session:
            app = session.get_one(App, self.app_id)
            made = intents.push(session, app, pushed, idempotency_key=secrets.token_hex(8), actor="test")
        intents.enqueue(self.queue, [made])
        return made.id

    def ends(self, deployment_id: int) -> Deployment:
        def ended() -> Deployment | None:
            with self.db.read(tenant_id=self.tenant_id) as session:
                row = session.get_one(Deployment, deployment_id)
            return None if row.state in ("queued", "fetching", "building") else row

        found: Deployment = eventually(ended, within_s=240, what="the worker is done")
        return found


@pytest.fixture
def host(hosted: Hosted, sqlite_url: str, own_redis: RedisServer) -> Iterator[Host]:
    folder = Path(tempfile.mkdtemp(prefix="slf-", dir="/tmp"))
    values = {
        "STATE_DIR": str(folder / "state"),
        "INSTANCE": f"f{secrets.token_hex(3)}",
        "DATABASE_URL": sqlite_url,
        "REDIS_URL": own_redis.url,
        "GIT_HOSTS": hosted.gitea.netloc,
    }
    environment = {f"SLIPWAY_{name}": value for name, value in values.items()}
    settings = load(environment)
    for path in (settings.state_dir, settings.log_dir, settings.key_dir, settings.run_dir):
        path.mkdir(parents=True, exist_ok=True)
    ready_engine(settings)
    made = Host(settings, environment, hosted)
    try:
        yield made
    finally:
        made.worker.kill()
        made.worker.wait(10)
        made.db.dispose()
        api = APIClient(settings.docker_host, version="auto")
        remove_installation(api, settings.instance)
        api.close()
        shutil.rmtree(settings.scratch_dir / f"slipway-{settings.instance}", ignore_errors=True)
        shutil.rmtree(folder)


def test_an_app_is_built_with_its_private_submodule_and_what_lfs_keeps(
    host: Host, hosted: Hosted, tmp_path: Path
) -> None:
    library = Hosted.make(hosted.gitea, tmp_path)
    its_commit = library.push("A library", lib__py="x = 1\n")
    upload(hosted, CONTENT)
    hosted.push("First", Dockerfile=DOCKERFILE, __gitattributes=ATTRIBUTES, logo__bin=pointer(CONTENT))
    commit = hosted.link(its_commit, f"../{library.name}.git")
    deployment = host.push(commit)
    row = host.ends(deployment)
    lines = list(host.log.read(deployment))
    assert row.state == "starting", (row.detail, lines)
    assert f"fetching the submodule lib at {its_commit[:7]}" in "\n".join(lines)
    assert "fetching 1 of 1 files that Git LFS keeps" in lines
    assert hosted.gitea.token not in "\n".join(lines)


def test_a_push_whose_message_asks_for_it_is_skipped(host: Host, hosted: Hosted) -> None:
    message = "Only words [skip deploy]"
    assert mark_in(message)
    row = host.ends(host.push(hosted.push(message, Dockerfile=DOCKERFILE)))
    assert (row.state, row.reason, row.message) == ("skipped", "skip-asked", message)
