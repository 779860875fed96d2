"""A worker on a real SQLite file, with fakes of all that it reaches through ports."""

from __future__ import annotations

import itertools
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from builder import jobs
from builder.dependencies import Dependencies
from builder.lease import claim
from builder.sources.build_plan import BuildPlanner
from slipway.adapters.vault import Vault, create_key_file
from slipway.core.build.dockerfile_policy import Rules
from slipway.core.build.templates.template import BaseImages
from slipway.core.deployment.states import Kind, State
from slipway.db import Database
from slipway.domain import intents, lifecycle
from slipway.models import App, Build, Deployment, Variable
from slipway.settings import Settings, load
from tests.building_fakes import FakeImages, FakeLog, FakePulls, FakeQueue, FakeSources
from tests.fixtures.rows import add_app, add_tenant

MAIN = "refs/heads/main"
_shas = itertools.count(1)


def sha() -> str:
    """A commit nobody had before."""
    return f"{next(_shas):040x}"


@dataclass
class Rig:
    settings: Settings
    db: Database
    vault: Vault
    tenant_id: int
    app_id: int
    sources: FakeSources = field(default_factory=FakeSources)
    images: FakeImages = field(default_factory=FakeImages)
    pulls: FakePulls = field(default_factory=FakePulls)
    log: FakeLog = field(default_factory=FakeLog)
    queue: FakeQueue = field(default_factory=FakeQueue)

    @property
    def dependencies(self) -> Dependencies:
        bases = Rules(frozenset(self.settings.base_images), frozenset(self.settings.frontends))
        return Dependencies(
            settings=self.settings,
            db=self.db,
            queue=cast(Any, self.queue),
            sources=self.sources,
            images=self.images,
            pulls=self.pulls,
            build_planner=BuildPlanner(bases, BaseImages("python", "python"), self.images, lambda: 20),
            log=self.log,
            vault=self.vault,
        )

    def push(self, commit: str = "", *, head: str | None = "", ref: str = MAIN) -> Deployment:
        """A pushed commit; `head` is where the main branch then is (the commit itself when not given)."""
        commit = commit or sha()
        self.sources.heads[MAIN] = commit if head == "" else cast(str, head)
        pushed = intents.Pushed(ref, commit, "Pushed", "ada")
        with self.db.write(tenant_id=self.tenant_id) as session:
            app = session.get_one(App, self.app_id)
            return intents.push(session, app, pushed, idempotency_key=f"test:{sha()}", actor="test")

    def deploy(self, ref: str) -> Deployment:
        with self.db.write(tenant_id=self.tenant_id) as session:
            return intents.deploy(session, session.get_one(App, self.app_id), ref=ref, actor="test")

    def work(self, deployment: Deployment, attempt: int = 0) -> str | None:
        """Do the job; returns the state that it reports."""
        lease = claim(self.db, deployment.id, attempt)
        state = jobs.work_on(self.dependencies, lease) if lease else None
        return str(state) if state else None

    def row(self, deployment: Deployment) -> Deployment:
        with self.db.read(tenant_id=self.tenant_id) as session:
            return session.get_one(Deployment, deployment.id)

    def builds(self) -> list[Build]:
        with self.db.read(tenant_id=self.tenant_id) as session:
            return list(session.query(Build))

    def change(self, deployment: Deployment, **values: Any) -> None:
        with self.db.write(tenant_id=self.tenant_id) as session:
            row = session.get_one(Deployment, deployment.id)
            for name, value in values.items():
                setattr(row, name, value)

    def live(self, *, kind: Kind = Kind.PUSH, commit: str = "", image_sequence: int | None = None) -> Deployment:
        """A deployment that serves, of the newest intent (or with an older one's image)."""
        deployment = self.push(commit, head=self.sources.heads.get(MAIN))
        with self.db.write(tenant_id=self.tenant_id) as session:
            row = session.get_one(Deployment, deployment.id)
            row.kind = str(kind)
            row.image_sequence = row.image_sequence if image_sequence is None else image_sequence
            for state in (State.FETCHING, State.BUILDING, State.STARTING, State.LIVE):
                lifecycle.advance(row, state)
        return deployment

    def variable(self, name: str, value: str) -> None:
        sealed = self.vault.seal(value, self.tenant_id, self.app_id, "production", name)
        with self.db.write(tenant_id=self.tenant_id) as session:
            session.add(Variable(tenant_id=self.tenant_id, app_id=self.app_id, scope="build", name=name, sealed=sealed))

    def leftovers(self) -> list[Path]:
        return list((self.settings.scratch_dir / f"slipway-{self.settings.instance}").glob("*"))


@pytest.fixture
def rig(sqlite_url: str, tmp_path: Path) -> Iterator[Rig]:
    values = {
        "STATE_DIR": str(tmp_path),
        "SCRATCH_DIR": tempfile.mkdtemp(prefix="slipway-unit-", dir="/dev/shm"),
        "HEARTBEAT_S": "0.05",
    }
    settings = load({f"SLIPWAY_{name}": value for name, value in values.items()})
    settings.key_dir.mkdir()
    create_key_file(settings.key_dir / "values.key")
    db = Database(sqlite_url)
    tenant_id = add_tenant(db)
    app = add_app(db, tenant_id)
    rig = Rig(settings, db, Vault(settings.key_dir / "values.key"), tenant_id, app.id)
    yield rig
    db.dispose()
    shutil.rmtree(settings.scratch_dir)
