"""The agent with a real database, fakes of the runtime and the publisher, and everything in one thread."""

from __future__ import annotations

import copy
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select, update

from builder.agent.assembly import Adapters, assemble
from builder.agent.background_tasks import PROBE, SIZES, BackgroundTasks
from builder.agent.maintenance.app_deletion import AppDeletion
from builder.agent.rollout.probing import Question
from slipway import settings as platform
from slipway.adapters.vault import Vault, create_key_file
from slipway.core.app_settings.configuration import WEB
from slipway.core.deployment.states import ENDED, State
from slipway.core.rollout.failure import ProbeCause, ProbeError
from slipway.core.rollout.probe_pace import NOT_PROBED, ProbePace
from slipway.db import Database
from slipway.domain import intents, lifecycle
from slipway.models import App, Base, Build, Deployment, Domain, Edge, Replica, Scale, Tenant, now
from tests.fakes import FakePublisher, FakeRuntime
from tests.fixtures.services.inline import Inline

WHY = "a test reads"
EDGE = "edge-1"
RECONCILE_S = "0.000001"
"""No listing is old enough to be used twice."""
PROBES_IN_A_PASS = 2
LONG_AGO = timedelta(seconds=60)
NOT_READY = ProbeError(ProbeCause.NO_ANSWER, "TCP :8000 got no answer within 5 s")
UNHEALTHY = ProbeError(ProbeCause.BAD_STATUS, "GET :8000/health answered 500", "/health", 500)
REFUSED = ProbeError(ProbeCause.REFUSED, "GET :8000/ was refused")


@dataclass
class FakeProber:
    """Every replica answers, but for those with an error."""

    errors: dict[str, ProbeError] = field(default_factory=dict)
    """By address, or `*`."""
    asked: list[Question] = field(default_factory=list)

    def ask(
        self,
        question: Question,
        *,
        for_s: float,  # noqa: ARG002
        pace: ProbePace = NOT_PROBED,
    ) -> tuple[ProbePace, ProbeError | None]:
        self.asked.append(question)
        error = self.errors.get(question.address, self.errors.get("*"))
        return pace.after(error.cause if error else None), error


class Tasks(BackgroundTasks):
    """A probe that failed twice in a pass is not made again: in threads, it would still run when the pass ends."""

    probed: Counter[str]

    def begin(self, kind: str, key: str, app_id: int, work: Callable[[], None]) -> bool:
        if kind == PROBE:
            self.probed[key] += 1
        return self.probed[key] <= PROBES_IN_A_PASS and super().begin(kind, key, app_id, work)


class Rig:
    def __init__(self, url: str, folder: Path, **settings: str) -> None:
        environ = {
            "SLIPWAY_STATE_DIR": str(folder),
            "SLIPWAY_DATABASE_URL": url,
            "SLIPWAY_WATCH_S": "0",
            "SLIPWAY_RECONCILE_S": RECONCILE_S,
        }
        self._environ = environ | {f"SLIPWAY_{name.upper()}": value for name, value in settings.items()}
        self.settings = platform.load(self._environ)
        self.settings.key_dir.mkdir(parents=True, exist_ok=True)
        create_key_file(self.settings.key_dir / "values.key")
        self.db = Database(url)
        self.runtime = FakeRuntime()
        self.publisher = FakePublisher(EDGE, confirm_at_once=True)
        self.prober = FakeProber()
        self.executor = Inline()
        self.ahead_s = 0.0
        self.vault = Vault(self.settings.key_dir / "values.key")
        self.restart()
        with self.db.write(platform=WHY) as session:
            session.add(Edge(id=EDGE))
            tenant = Tenant(name="acme")
            session.add(tenant)
            session.flush()
            self.tenant_id = tenant.id

    def restart(self, **adapters: Any) -> None:
        """As after kill -9: nothing is remembered, no background task runs. `adapters` take the place of the rig's."""
        usual = {
            "db": self.db,
            "runtime": self.runtime,
            "publisher": self.publisher,
            "vault": self.vault,
            "prober": self.prober,
            "clock": self.clock,
        }
        self.tasks = Tasks(dict.fromkeys(SIZES, self.executor), lambda _app, _delay: None)
        self.tasks.probed = Counter()
        self.adapters = Adapters(**(usual | adapters))
        self.agent = assemble(self.settings, self.adapters, self.tasks)

    def copy(self, folder: Path) -> Rig:
        """The same rows and containers in an empty folder, with an agent that has just started."""
        self.db.dispose()  # SQLite's last connection writes its journal into the file
        shutil.copytree(self.settings.state_dir, folder, dirs_exist_ok=True)
        made = copy.copy(self)
        url = f"sqlite:///{folder / 'slipway.db'}"
        made._environ = self._environ | {"SLIPWAY_STATE_DIR": str(folder), "SLIPWAY_DATABASE_URL": url}
        made.settings, made.db, made.executor = platform.load(made._environ), Database(url), Inline()
        made.runtime, made.publisher = self.runtime.copy(), copy.deepcopy(self.publisher)
        made.prober = copy.deepcopy(self.prober)
        made.restart()
        return made

    def clock(self) -> float:
        return time.time() + self.ahead_s

    def delete_apps(self, builder: Callable[[], Any], logs: Any) -> int:
        agent = self.agent
        adapters = (self.db, self.runtime, agent.observed_state, agent.routes, agent.output_store)
        return AppDeletion(*adapters, builder, logs).delete_apps()

    def report_ends(self) -> None:
        """As the agent reports them, without a forge."""
        ended = Deployment.state.in_([str(state) for state in ENDED])
        with self.db.write(platform=WHY) as session:
            session.execute(update(Deployment).where(ended).values(reported_state=Deployment.state))

    # -- desired state -------------------------------------------------------------------------------------------------

    def add_app(self, name: str = "hello", *, replicas: int | None = 1, **settings: Any) -> App:
        with self.db.write(tenant_id=self.tenant_id) as session:
            app = App(tenant_id=self.tenant_id, name=name, settings=settings, repository="https://github.example/a/b")
            session.add(app)
            session.flush()
            session.add(Domain(tenant_id=self.tenant_id, app_id=app.id, host=f"{name}.localhost"))
            if replicas is not None:
                session.add(Scale(tenant_id=self.tenant_id, app_id=app.id, process=WEB, replicas=replicas))
            return app

    def built(self, app: App, commit: str = "a" * 40, **build: Any) -> Deployment:
        """A pushed commit that a worker has built: `starting`."""
        return self.build_ends(self.building(app, commit), **build)

    def building(self, app: App, commit: str) -> Deployment:
        """A pushed commit that a worker builds."""
        pushed = intents.Pushed("refs/heads/main", commit)
        with self.db.write(tenant_id=self.tenant_id) as session:
            found = session.get_one(App, app.id)
            row = intents.push(session, found, pushed, idempotency_key=f"delivery:{commit}", actor="a test")
            for state in (State.FETCHING, State.BUILDING):
                lifecycle.advance(row, state)
            return row

    def build_ends(self, building: Deployment, **build: Any) -> Deployment:
        """As a worker ends it: with an image, or stopped where somebody asked for that."""
        with self.db.write(tenant_id=self.tenant_id) as session:
            row = session.get_one(Deployment, building.id)
            if row.stop_requested:
                lifecycle.stop(row, State(row.stop_requested), row.stop_why)
                return row
            tag = row.commit_sha[:7]
            made = {"image": f"slipway/{tag}", "digest": f"sha256:{tag}"} | build
            session.add(Build(tenant_id=row.tenant_id, app_id=row.app_id, deployment_id=row.id, **made))
            lifecycle.advance(row, State.STARTING)
            return row

    def intend(self, app: App, intent: Callable[..., Any], **values: Any) -> Any:
        with self.db.write(tenant_id=self.tenant_id) as session:
            return intent(session, session.get_one(App, app.id), **values)

    # -- observed state ------------------------------------------------------------------------------------------------

    def settle(self, app: App) -> float | None:
        """Passes until nothing is left to do but wait."""
        self.tasks.probed.clear()
        return self.agent.reconciler.run(app.id)

    def live(self, app: App, commit: str = "a" * 40, **build: Any) -> Deployment:
        """Built, rolled out, live."""
        row = self.built(app, commit, **build)
        self.settle(app)
        row = self.deployment(row)
        assert row.state == State.LIVE, (row.state, row.detail)
        return row

    def deployment(self, row: Deployment) -> Deployment:
        return self.all(Deployment, id=row.id)[0]

    def replicas(self, app: App, **values: Any) -> list[Replica]:
        """Those that are not gone."""
        found = self.all(Replica, app_id=app.id, **values)
        return sorted((row for row in found if row.state != "gone"), key=lambda row: row.slot)

    def all(self, model: type[Any], **values: Any) -> list[Any]:
        """In the order in which they were made."""
        with self.db.read(platform=WHY) as session:
            made = [Replica.created_at] if model is Replica else model.__table__.primary_key  # a replica's id is random
            return list(session.scalars(select(model).filter_by(**values).order_by(*made)))

    def change(self, row: Base, **values: Any) -> None:
        with self.db.write(platform=WHY) as session:
            found = session.get_one(type(row), row.id)  # type: ignore[attr-defined]
            for name, value in values.items():
                setattr(found, name, value)

    def running(self, app: App) -> dict[str, Any]:
        """Replica's name → container, of those that run."""
        containers = self.runtime.containers.values()
        return {c.spec.name: c for c in containers if c.spec.app_id == app.id and c.observed.running}

    def entry(self, app: App) -> dict[str, Any] | None:
        return self.publisher.table.get(f"{app.name}.localhost")

    def addresses(self, app: App) -> set[str]:
        entry = self.entry(app)
        return {target["address"] for target in entry["targets"]} if entry else set()


@contextmanager
def rig_in_memory(template: Path) -> Iterator[Rig]:
    """What is tested is what is written, not that a disk keeps it. `template`: a migrated database."""
    folder = Path(tempfile.mkdtemp(prefix="slipway-agent-", dir="/dev/shm"))
    made = Rig(f"sqlite:///{shutil.copy(template, folder / 'slipway.db')}", folder)
    yield made
    made.db.dispose()
    shutil.rmtree(folder)


def pushed(rig: Rig, app: App, state: State = State.QUEUED, **values: object) -> Deployment:
    """A deployment whose last heartbeat was a minute ago."""
    head = intents.Pushed("refs/heads/main", "a" * 40)
    row: Deployment = rig.intend(app, intents.push, pushed=head, idempotency_key="delivery:1", actor="a test")
    rig.change(row, state=str(state), created_at=now() - LONG_AGO, **values)
    return row
