"""A service that is live, and an app that uses it; its programs are fakes."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from sqlalchemy.orm import Session

from slipway.adapters.vault import Vault
from slipway.core.attached.kinds import KINDS, POSTGRES, Kind
from slipway.domain.attached import credentials, tasks
from slipway.domain.releases.variables import place_of
from slipway.models import App, AttachedService, ServiceAttachment, ServiceTask, Variable
from slipway.ports.runtime import TerminalSpec
from tests.fakes.terminal import FakeProgram
from tests.integration.agent.rig import Rig

DUMP = b"all that is in it\n" * 10_000


@dataclass
class Programs:
    """What runs in services' containers: each command's output, and how it ends."""

    dump: bytes = DUMP
    fails: dict[str, int] = field(default_factory=dict)
    """Program → its exit code; 0 unless given."""
    ran: list[FakeProgram] = field(default_factory=list)

    def __call__(self, spec: TerminalSpec) -> FakeProgram:
        code = self.fails.get(spec.argv[0], 0)
        printed = self.dump if spec.argv in [each.dump for each in KINDS.values()] else b""
        made = FakeProgram(spec, printed, code, complaint=b"error: no room\n" if code else b"")
        self.ran.append(made)
        return made

    @property
    def names(self) -> list[str]:
        return [each.spec.argv[0] for each in self.ran]


@dataclass
class Attached:
    """A service, the app that it is, and an app that uses it."""

    rig: Rig
    app: App
    user: App
    kind: Kind

    @property
    def service(self) -> AttachedService:
        found: AttachedService = self.rig.all(AttachedService, app_id=self.app.id)[0]
        return found

    def begin(self, what: str = "backup", backup: ServiceTask | None = None) -> ServiceTask:
        """As the API writes it."""
        with self.rig.db.write(tenant_id=self.rig.tenant_id) as session:
            service = session.get_one(AttachedService, self.service.id)
            if what == "restore":
                assert backup is not None
                return tasks.add_restore(session, service, backup, actor="a test")
            if what == "rotate":
                return tasks.add_rotation(session, self.rig.vault, service, "f" * 48, actor="a test")
            return tasks.add_backup(session, service, actor="a test")

    def run(self) -> float | None:
        return self.rig.agent.services.run(self.app.id)

    def row(self, task: ServiceTask) -> ServiceTask:
        found: ServiceTask = self.rig.all(ServiceTask, id=task.id)[0]
        return found

    def variable(self, app: App, name: str) -> str:
        [row] = self.rig.all(Variable, app_id=app.id, name=name)
        return self.rig.vault.open(row.sealed, *place_of(app, name))

    def files(self) -> list[str]:
        return sorted(each.name for each in self.rig.settings.backup_dir.glob("*"))


def attach(rig: Rig, kind: Kind) -> Attached:
    app, user = rig.add_app("db", **kind.settings(None)), rig.add_app("shop")
    with rig.db.write(tenant_id=rig.tenant_id) as session:
        made = session.get_one(App, app.id)
        credentials.write_first(session, rig.vault, made, kind)
        service = AttachedService(
            tenant_id=rig.tenant_id, app_id=app.id, kind=kind.name, version=kind.default_version, backups_kept=2
        )
        session.add(service)
        session.flush()
        of_both = {"service_id": service.id, "app_id": user.id}
        session.add(ServiceAttachment(tenant_id=rig.tenant_id, variable=kind.variable, **of_both))
        write_address(session, rig.vault, made, session.get_one(App, user.id), kind)
    for each in (app, user):
        rig.live(each)
    return Attached(rig, app, user, kind)


def write_address(session: Session, vault: Vault, app: App, user: App, kind: Kind) -> None:
    url = credentials.read(session, vault, app, kind).url(kind)
    credentials.put(session, vault, user, kind.variable, url)


@pytest.fixture
def programs(rig: Rig) -> Programs:
    made = Programs()
    rig.runtime.programs = made
    return made


@pytest.fixture
def attached(rig: Rig, programs: Programs) -> Attached:
    return attach(rig, POSTGRES)
