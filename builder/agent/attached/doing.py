"""What a task of a service does, from its beginning to its end. Each may be killed anywhere and done again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from builder.agent.attached.commands import ServiceCommands
from builder.agent.scope import REASON
from slipway.adapters.backup_files import BackupFiles, Written
from slipway.adapters.vault import Vault
from slipway.core.attached.credentials import Credentials
from slipway.core.attached.kinds import KINDS, Kind
from slipway.core.attached.tasks import TaskKind
from slipway.db import Database
from slipway.domain.attached import credentials, tasks
from slipway.errors import BackupDamaged
from slipway.models import TO_CHANGE, App, AttachedService, ServiceTask
from slipway.ports.runtime import ContainerRuntime


@dataclass(frozen=True, slots=True)
class Work:
    """A task that is claimed, and the service that it is of."""

    task_id: int
    kind_of_task: TaskKind
    service_id: int
    tenant_id: int
    kind: Kind
    credentials: Credentials
    file: str
    """Of a backup, its own; of a restore, that of its backup."""
    digest: str
    new_password: str = ""

    @property
    def where(self) -> tuple[object, ...]:
        """What the file is sealed for."""
        return self.tenant_id, self.service_id, "backup"


class TaskWork:
    def __init__(
        self,
        db: Database,
        runtime: ContainerRuntime,
        vault: Vault,
        files: BackupFiles,
    ) -> None:
        self._db = db
        self._runtime = runtime
        self._vault = vault
        self._files = files
        self._does: Mapping[TaskKind, Callable[[Work, ServiceCommands], None]] = {
            TaskKind.BACKUP: self._back_up,
            TaskKind.RESTORE: self._restore,
            TaskKind.ROTATE: self._rotate,
        }

    def do(self, task_id: int, container_id: str) -> None:
        """Claim it, do it, and record that it succeeded.

        Raises:
            SlipwayError: it did not.
        """
        work = self._claim(task_id)
        if work is not None:
            commands = ServiceCommands(self._runtime, container_id, work.credentials.client_environment(work.kind))
            self._does[work.kind_of_task](work, commands)

    def _claim(self, task_id: int) -> Work | None:
        """None: it has ended."""
        with self._db.write(platform=REASON) as session:
            row = session.get(ServiceTask, task_id, with_for_update=TO_CHANGE)
            if row is None or not tasks.begin(row):
                return None
            service = session.get_one(AttachedService, row.service_id)
            app, kind = session.get_one(App, service.app_id), KINDS[service.kind]
            backup = session.get(ServiceTask, row.backup_id) if row.backup_id else row
            if backup is None or backup.service_id != row.service_id:
                raise BackupDamaged("it is kept no longer")
            return Work(
                task_id=row.id,
                kind_of_task=TaskKind(row.kind),
                service_id=service.id,
                tenant_id=service.tenant_id,
                kind=kind,
                credentials=credentials.read(session, self._vault, app, kind),
                file=backup.file,
                digest=backup.digest,
                new_password=tasks.new_password(self._vault, row),
            )

    def _back_up(self, work: Work, commands: ServiceCommands) -> None:
        written = self._files.write(work.file, commands.output_of(work.kind.dump), *work.where)
        self._succeed(work, written)

    def _restore(self, work: Work, commands: ServiceCommands) -> None:
        """The whole file is read before anything is changed."""
        self._files.check(work.file, work.digest, *work.where)
        for step in work.kind.restore:
            commands.run(step, self._files.read(work.file, *work.where))
        self._succeed(work)

    def _rotate(self, work: Work, commands: ServiceCommands) -> None:
        """The program takes the password, then it is written wherever the old one is. Until its deployment is live an
        app keeps the connections that it has, and gets no other one."""
        if work.kind.new_password is not None:
            commands.run(work.credentials.renewing(work.kind, work.kind.new_password, work.new_password))
        with self._db.write(platform=REASON) as session:
            service = session.get_one(AttachedService, work.service_id, with_for_update=TO_CHANGE)
            row = session.get_one(ServiceTask, work.task_id, with_for_update=TO_CHANGE)
            credentials.renew(session, self._vault, service, work.new_password, actor=row.actor)
            tasks.succeed(row)

    def _succeed(self, work: Work, written: Written | None = None) -> None:
        with self._db.write(platform=REASON) as session:
            row = session.get_one(ServiceTask, work.task_id, with_for_update=TO_CHANGE)
            if written is not None:
                row.size_bytes, row.digest = written.size_bytes, written.digest
            tasks.succeed(row)
