"""A new password: the running program takes it, then everything that had the old one."""

from __future__ import annotations

from slipway.core.attached.kinds import MARIADB
from slipway.models import Deployment
from tests.integration.agent.attached.conftest import Attached, Programs, attach
from tests.integration.agent.rig import Rig

NEW = "f" * 48


def test_the_program_takes_it_and_every_app_is_deployed_with_it(
    rig: Rig, attached: Attached, programs: Programs
) -> None:
    old = attached.variable(attached.app, "POSTGRES_PASSWORD")
    task = attached.begin("rotate")
    assert NEW not in str(attached.row(task).sealed)
    attached.run()
    [program] = programs.ran
    assert bytes(program.read_so_far) == f"ALTER ROLE \"app\" PASSWORD '{NEW}';\n".encode()
    assert attached.variable(attached.app, "POSTGRES_PASSWORD") == NEW != old
    assert attached.variable(attached.user, "DATABASE_URL") == f"postgresql://app:{NEW}@db:5432/app"
    assert attached.row(task).sealed is None
    kinds = [(row.app_id, row.kind) for row in rig.all(Deployment) if row.kind == "configuration"]
    assert kinds == [(attached.user.id, "configuration")], "the service itself runs on"
    rig.settle(attached.user)
    [replica] = rig.replicas(attached.user)
    assert NEW in rig.runtime.containers[str(replica.container_id)].spec.variables["DATABASE_URL"]


def test_one_that_the_program_refuses_changes_nothing(attached: Attached, programs: Programs) -> None:
    programs.fails["psql"] = 3
    old = attached.variable(attached.user, "DATABASE_URL")
    task = attached.begin("rotate")
    attached.run()
    row = attached.row(task)
    assert (row.state, row.reason, row.sealed) == ("failed", "command-failed", None)
    assert attached.variable(attached.user, "DATABASE_URL") == old


def test_what_a_program_complains_of_is_kept_without_passwords(rig: Rig, programs: Programs) -> None:
    attached = attach(rig, MARIADB)
    programs.fails["mariadb-dump"] = 2
    task = attached.begin()
    attached.run()
    [program] = programs.ran
    assert set(program.spec.variables) == {"MYSQL_PWD"}
    assert program.spec.variables["MYSQL_PWD"] not in attached.row(task).detail
