"""Workers as processes, with a real forge, Redis, SQL and Engine; the agent's part is played by the test."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from docker import APIClient

from builder.agent.maintenance import image_gc
from builder.agent.reporting import Reporting, StatusSender
from slipway.adapters.docker.address_book import AddressBook
from slipway.adapters.docker.runtime import DockerRuntime
from slipway.adapters.git.commit_status import CommitStatuses, forge_tokens
from slipway.adapters.redis import work_queue
from slipway.adapters.redis.deployment_log import RedisDeploymentLog
from slipway.adapters.redis.work_queue import WorkQueue
from slipway.adapters.vault import Vault, create_key_file
from slipway.core.deployment.states import State
from slipway.db import Database
from slipway.demo.forge.forge import Forge
from slipway.domain import intents, lifecycle
from slipway.models import App, Build, Deployment
from slipway.ports.runtime import OwnImage
from slipway.settings import Settings, load
from tests.fakes import FakeBuilder
from tests.fixtures.engine import ready_engine, remove_installation
from tests.fixtures.rows import add_app, add_tenant
from tests.fixtures.services.forked import ForkedModule
from tests.fixtures.services.inline import Inline
from tests.fixtures.services.redis_server import RedisServer
from tests.fixtures.waiting import eventually
from tests.forge import WorkingCopy

BASE = "python:3.11-slim"
TOKEN = "tok-5d1f0a9be3c24488"


def processes_with(words: str) -> list[int]:
    """Living processes on this host whose command line or working folder has these words."""
    found = []
    for pid in filter(str.isdecimal, os.listdir("/proc")):
        try:
            line = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if words in line and state not in "ZX" and int(pid) != os.getpid():
            found.append(int(pid))
    return found


def children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def slow(word: str, seconds: int = 3600) -> str:
    """A Dockerfile whose last step takes its time. `word` is found in the step's command line."""
    return f"FROM {BASE}\nCOPY VERSION /VERSION\nRUN : {word} && sleep {seconds}\n"


@dataclass
class Yard:
    """An app at a forge, and the workers that build it."""

    forge: Forge
    copy: WorkingCopy
    settings: Settings
    environment: dict[str, str]
    db: Database
    queue: WorkQueue
    log: RedisDeploymentLog
    tenant_id: int
    app_id: int
    runtime: DockerRuntime
    workers: list[ForkedModule] = field(default_factory=list)

    def start_worker(self) -> ForkedModule:
        output = self.settings.log_dir / f"worker-{len(self.workers)}.log"
        worker = ForkedModule("builder.worker", self.environment, output)
        self.workers.append(worker)
        return worker

    def push(self, message: str = "Change", **files: str | None) -> Deployment:
        commit = self.copy.commit(message, **files)
        self.copy.git("push", "--quiet", self.forge.push_url("acme/shop"), "main")
        return self.pushed(commit)

    def pushed(self, commit: str) -> Deployment:
        """The deployment that a delivery makes."""
        what = intents.Pushed("refs/heads/main", commit, "Pushed", "ada")
        with self.db.write(tenant_id=self.tenant_id) as session:
            app = session.get_one(App, self.app_id)
            made = intents.push(session, app, what, idempotency_key=secrets.token_hex(8), actor="test")
        self.queue.enqueue_build(made.id, made.attempt)
        return made

    def row(self, deployment: Deployment) -> Deployment:
        with self.db.read(tenant_id=self.tenant_id) as session:
            return session.get_one(Deployment, deployment.id)

    @contextmanager
    def changed(self, deployment: Deployment) -> Iterator[Any]:
        with self.db.write(tenant_id=self.tenant_id) as session:
            yield session.get_one(Deployment, deployment.id)

    def reaches(self, deployment: Deployment, *states: str, within_s: float = 90) -> Deployment:
        def there() -> Deployment | None:
            row = self.row(deployment)
            assert row.state in states or State(row.state) not in (State.FAILED,), (row.reason, row.detail, row.tail)
            return row if row.state in states else None

        found: Deployment = eventually(there, within_s=within_s, every_s=0.05, what=f"deployment is {states}")
        return found

    def builds_step(self, word: str) -> None:
        """Wait until the slow step runs in the Engine."""
        eventually(lambda: processes_with(f": {word}"), within_s=60, every_s=0.05, what=f"the step {word} runs")

    def reporting(self) -> Reporting:
        """The agent's, which sends inside `look`."""
        forge = CommitStatuses(forge_tokens(self.settings))
        return Reporting(self.db, self.log, StatusSender(forge, self.settings.public_url), executor=Inline())

    def end(self, deployment: Deployment) -> None:
        """As the agent does when the rollout has ended."""
        with self.changed(deployment) as row:
            lifecycle.advance(row, State.LIVE)
            lifecycle.end_step(row, ok=True)

    def builds(self) -> list[Build]:
        with self.db.read(tenant_id=self.tenant_id) as session:
            return list(session.query(Build))

    def lines(self, deployment: Deployment) -> list[str]:
        return list(self.log.read(deployment.id))

    def scratch(self) -> list[Path]:
        return list((self.settings.scratch_dir / f"slipway-{self.settings.instance}").glob("*"))

    def worker_log(self) -> str:
        return "".join(path.read_text() for path in self.settings.log_dir.glob("worker-*.log"))

    def own_images(self) -> list[OwnImage]:
        return list(self.runtime.own_images())

    def collect_dangling(self) -> int:
        """What the agent's garbage collection does."""
        return image_gc.collect_dangling(self.db, self.runtime, FakeBuilder)

    def close(self) -> None:
        for worker in self.workers:
            worker.kill()
            worker.wait(10)
        self.db.dispose()
        self.runtime.close()


@pytest.fixture
def yard(sqlite_url: str, own_redis: RedisServer) -> Iterator[Yard]:
    folder = Path(tempfile.mkdtemp(prefix="slw-", dir="/tmp"))
    with Forge(folder / "forge") as forge:
        forge.create_repository("acme/shop", private=True, token=TOKEN)
        values = {
            "STATE_DIR": str(folder / "state"),
            "INSTANCE": f"w{secrets.token_hex(3)}",
            "DATABASE_URL": sqlite_url,
            "REDIS_URL": own_redis.url,
            "GIT_HOSTS": urlsplit(forge.base_url).netloc,
            "GITHUB_API": forge.base_url,
            "GITHUB_TOKEN": TOKEN,
            "HEARTBEAT_S": "0.3",
        }
        named = {f"SLIPWAY_{name}": value for name, value in values.items()}
        yard = _yard(forge, folder, named)
        try:
            yield yard
        finally:
            yard.close()
            api = APIClient(yard.settings.docker_host, version="auto")
            remove_installation(api, yard.settings.instance)
            api.close()
            shutil.rmtree(yard.settings.scratch_dir / f"slipway-{yard.settings.instance}", ignore_errors=True)
            shutil.rmtree(folder)


def _yard(forge: Forge, folder: Path, named: dict[str, str]) -> Yard:
    settings = load(named)
    for path in (settings.state_dir, settings.log_dir, settings.key_dir, settings.run_dir):
        path.mkdir(parents=True, exist_ok=True)
    ready_engine(settings)
    create_key_file(settings.key_dir / "values.key")
    vault = Vault(settings.key_dir / "values.key")
    db = Database(settings.database_url)
    tenant_id = add_tenant(db)
    app = add_app(db, tenant_id, "shop", repository=forge.clone_url("acme/shop"))
    with db.write(tenant_id=tenant_id) as session:
        session.get_one(App, app.id).credential = vault.seal(TOKEN, tenant_id, app.id, "credential")
    redis = work_queue.connect(settings.redis_url)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SLIPWAY_")} | named
    return Yard(
        forge=forge,
        copy=WorkingCopy(folder / "copy"),
        settings=settings,
        environment=environment,
        db=db,
        queue=WorkQueue(redis, job_timeout_s=600),
        log=RedisDeploymentLog(redis, settings.log_dir),
        tenant_id=tenant_id,
        app_id=app.id,
        runtime=DockerRuntime(settings, AddressBook(db)),
    )
