"""A backup of an installation's rows, keys and certificates is restored elsewhere, on both databases, or refused as a
whole."""

from __future__ import annotations

import errno
import os
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url, select, text

from slipway import migrations
from slipway.adapters.vault import Vault, create_key_file
from slipway.db import Database
from slipway.errors import HostUnready
from slipway.host.backup import making
from slipway.host.backup.archive.manifest import Manifest
from slipway.host.backup.archive.sealed_file import BackupRefused
from slipway.host.backup.making import Backup
from slipway.host.backup.restoring import Restore
from slipway.models import Address, App, Deployment, Edge, Replica, RouteTable, Target, Tenant, Variable
from slipway.settings import Settings, load
from tests.fixtures.releases import make_live
from tests.fixtures.rows import add_app, add_tenant
from tests.fixtures.services.postgresql import OWNER, SERVICE, Cluster
from tests.fixtures.waiting import eventually
from tests.unit.host.host_fakes import FakeCommands

VALUE = "postgres://shop:s3cret@db.example/shop"
KEY = "BEGIN PRIVATE KEY of a certificate"


@dataclass
class Installation:
    """A state folder with keys and certificates beside a database."""

    settings: Settings
    said: list[str] = field(default_factory=list)

    @property
    def database(self) -> Database:
        return Database(self.settings.database_url, pool=False)

    @property
    def vault(self) -> Vault:
        return Vault(self.settings.key_dir / "values.key")

    def back_up(self, to: Path, **options: Any) -> Manifest:
        environment = {"SLIPWAY_INSTANCE": self.settings.instance, "SLIPWAY_GITHUB_TOKEN": "ghp_token"}
        options = {"with_images": False} | options
        return Backup(self.settings, environment, FakeCommands(), self.said.append, **options).write(to)

    def restore(self, file: Path, **options: Any) -> Manifest:
        return Restore(self.settings, FakeCommands(), self.said.append, **options).run(file)

    def files(self) -> list[str]:
        state = self.settings.state_dir
        return sorted(str(each.relative_to(state)) for each in state.rglob("*") if each.name != "backup.key")


def installation(state: Path, database_url: str = "", owner_url: str = "", instance: str = "slipway") -> Installation:
    named = {"DATABASE_URL": database_url or f"sqlite:///{state}/slipway.db", "DATABASE_OWNER_URL": owner_url}
    values = {"STATE_DIR": str(state), "INSTANCE": instance} | named
    return Installation(load({f"SLIPWAY_{name}": value for name, value in values.items()}))


def fill(here: Installation) -> None:
    settings = here.settings
    settings.key_dir.mkdir(mode=0o700, parents=True)
    for name in ("hooks.key", "values.key"):
        create_key_file(settings.key_dir / name)
    served = settings.certificate_dir / "7" / "a1"
    served.mkdir(mode=0o700, parents=True)
    settings.certificate_dir.chmod(0o700)
    (served / "key.pem").write_text(KEY)
    renewal = settings.certbot_dir / "renewal"
    renewal.mkdir(parents=True)
    (renewal / "c7.conf").write_text(f"cert = {settings.state_dir}/certbot/live/c7/cert.pem\n")
    (settings.certbot_dir / "live").mkdir()
    (settings.certbot_dir / "live" / "cert.pem").symlink_to("../archive/cert1.pem")
    tenant = add_tenant(here.database)
    app = add_app(here.database, tenant, "shop")
    make_live(here.database, "shop", ready=2)
    sealed = here.vault.seal(VALUE, tenant, app.id, "DATABASE_URL")
    with here.database.write(platform="a test's rows") as session:
        session.get_one(Tenant, tenant).subnet = "10.210.1.0/24"
        session.add(Variable(tenant_id=tenant, app_id=app.id, name="DATABASE_URL", sealed=sealed))
        session.add(Edge(id="edge-of-old-host"))
        session.add(RouteTable(id=1, generation=41, epoch="old"))
        session.add(Address(tenant_id=tenant, address="10.210.1.2", replica_id="r-1"))
        target = Target(tenant_id=tenant, app_id=app.id, replica_id="r-1", address="10.210.1.2", port=8000)
        session.add(target)


@pytest.fixture(params=["sqlite", "postgresql"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def old(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Installation:
    state = tmp_path / "old"
    state.mkdir()
    if kind == "sqlite":
        Path(make_url(request.getfixturevalue("sqlite_url")).database or "").rename(state / "slipway.db")
        here = installation(state)
    else:
        service = request.getfixturevalue("postgresql_url")
        here = installation(state, service, service.replace(f"//{SERVICE}@", f"//{OWNER}@"))
    fill(here)
    return here


@pytest.fixture
def new(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Installation]:
    if kind == "sqlite":
        yield installation(tmp_path / "new", instance="another")
        return
    cluster: Cluster = request.getfixturevalue("postgresql_cluster")
    owner = cluster.create("restored")
    yield installation(tmp_path / "new", owner, owner, instance="another")
    cluster.drop("restored")


@contextmanager
def writing(here: Installation) -> Iterator[list[int]]:
    """Tenants come all the time; yields the ids of those that are there."""
    stop = threading.Event()
    written: list[int] = []

    def write() -> None:
        while not stop.is_set():
            written.append(add_tenant(here.database, f"t{len(written)}"))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield written
    finally:
        stop.set()
        writer.join()


def test_what_was_backed_up_while_others_write_is_restored_elsewhere(
    old: Installation, new: Installation, tmp_path: Path
) -> None:
    file = tmp_path / "backup"
    with writing(old) as written:
        eventually(lambda: len(written) > 3, what="rows are written")
        before = len(written)
        said = old.back_up(file)
        eventually(lambda: len(written) > before + 3, what="rows are written afterwards")
    assert said.rows["tenants"] > before
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert not list(tmp_path.glob("*.partial"))
    assert not list(old.settings.state_dir.glob("backup-copies-*"))

    new.restore(file, secret_file=old.settings.state_dir / "backup.key")
    with new.database.read(platform="a test looks") as session:
        assert len(session.scalars(select(Tenant.id)).all()) == said.rows["tenants"]
        app = session.scalars(select(App).filter_by(name="shop")).one()
        variable = session.scalars(select(Variable)).one()
        assert session.scalar(select(Deployment.state)) == "live"
    assert new.vault.open(variable.sealed, app.tenant_id, app.id, "DATABASE_URL") == VALUE


def test_nothing_of_the_old_host_stands_in_the_new_ones_way(
    old: Installation, new: Installation, tmp_path: Path
) -> None:
    old.back_up(tmp_path / "backup")
    new.restore(tmp_path / "backup", secret_file=old.settings.state_dir / "backup.key")
    with new.database.read(platform="a test looks") as session:
        table = session.get_one(RouteTable, 1)
        assert (table.generation, table.epoch != "old") == (41, True)
        assert {replica.state for replica in session.scalars(select(Replica))} == {"gone"}
        assert all(replica.ended_at for replica in session.scalars(select(Replica)))
        left = [session.scalars(select(each)).all() for each in (Target, Address, Edge)]
        assert left == [[], [], []]
        assert session.scalars(select(Tenant.subnet)).all() == [None]


def test_keys_and_certificates_are_roots_alone_at_their_new_place(
    old: Installation, new: Installation, tmp_path: Path
) -> None:
    old.back_up(tmp_path / "backup")
    new.restore(tmp_path / "backup", secret_file=old.settings.state_dir / "backup.key")
    state = new.settings.state_dir
    assert stat.S_IMODE(state.stat().st_mode) == 0o711
    modes = {
        stat.S_IMODE((state / name).stat().st_mode) for name in ("keys/values.key", "restored-settings/slipway.env")
    }
    assert modes == {0o600}
    assert {stat.S_IMODE((state / name).stat().st_mode) for name in ("keys", "certificates")} == {0o700}
    assert (state / "certificates/7/a1/key.pem").read_text() == KEY
    assert os.readlink(state / "certbot/live/cert.pem") == "../archive/cert1.pem"
    assert (state / "certbot/renewal/c7.conf").read_text() == f"cert = {state}/certbot/live/c7/cert.pem\n"
    assert "SLIPWAY_GITHUB_TOKEN=ghp_token" in (state / "restored-settings/slipway.env").read_text()
    assert not (state / "backup.key").exists()


def test_no_secret_is_in_the_file_in_clear(old: Installation, tmp_path: Path) -> None:
    old.back_up(tmp_path / "backup")
    content = (tmp_path / "backup").read_bytes()
    for secret in (KEY.encode(), b"ghp_token", (old.settings.key_dir / "values.key").read_bytes().strip()):
        assert secret not in content
    assert b"hooks.key" not in content, "not even a name"


def test_a_damaged_backup_is_refused_before_anything_is_written(
    old: Installation, new: Installation, tmp_path: Path
) -> None:
    old.back_up(tmp_path / "backup")
    whole = (tmp_path / "backup").read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 1
    key = old.settings.state_dir / "backup.key"
    for content in (whole[: len(whole) // 3], whole[:-1], bytes(flipped), whole + b"x"):
        (tmp_path / "damaged").write_bytes(content)
        with pytest.raises(BackupRefused):
            new.restore(tmp_path / "damaged", secret_file=key)
        assert not new.settings.state_dir.exists()


def test_a_backup_of_a_newer_schema_is_refused(
    old: Installation, new: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old.back_up(tmp_path / "backup")
    monkeypatch.setattr(migrations, "newest", lambda: "0001")
    with pytest.raises(BackupRefused, match=r"has schema \d+, and this Slipway knows 0001 at most"):
        new.restore(tmp_path / "backup", secret_file=old.settings.state_dir / "backup.key")
    assert not new.settings.state_dir.exists()


def test_an_installation_is_not_overwritten(old: Installation, tmp_path: Path) -> None:
    old.back_up(tmp_path / "backup")
    before = old.files()
    with pytest.raises(HostUnready, match="holds an installation already") as refused:
        old.restore(tmp_path / "backup")
    assert "SLIPWAY_STATE_DIR" in refused.value.remedy
    assert old.files() == before


def test_a_journal_of_a_killed_host_is_not_played_into_what_is_restored(
    old: Installation, new: Installation, tmp_path: Path
) -> None:
    if not new.settings.database_url.startswith("sqlite"):
        pytest.skip("PostgreSQL keeps its journal to itself")
    old.back_up(tmp_path / "backup")
    left = Path(new.settings.database_url.removeprefix("sqlite:///") + "-wal")
    left.parent.mkdir(parents=True, exist_ok=True)
    left.touch()
    with pytest.raises(HostUnready, match="exists already"):
        new.restore(tmp_path / "backup", secret_file=old.settings.state_dir / "backup.key")
    assert [each.name for each in left.parent.iterdir()] == [left.name]


def test_without_its_key_a_restore_says_which_file_it_lacks(
    old: Installation, new: Installation, tmp_path: Path
) -> None:
    old.back_up(tmp_path / "backup")
    with pytest.raises(HostUnready, match=r"backup\.key.* does not exist") as refused:
        new.restore(tmp_path / "backup")
    assert "KEY=" in refused.value.remedy


def test_the_operator_learns_where_the_key_is_and_that_it_is_needed(old: Installation, tmp_path: Path) -> None:
    old.back_up(tmp_path / "backup")
    said = "\n".join(old.said)
    assert f"{old.settings.state_dir}/backup.key: nobody opens the backup without it" in said
    assert "elsewhere than on this host" in said


def test_a_passphrase_of_ones_own_opens_it(old: Installation, new: Installation, tmp_path: Path) -> None:
    passphrase = tmp_path / "passphrase"
    passphrase.write_text("correct horse battery staple\n")
    old.back_up(tmp_path / "backup", secret_file=passphrase)
    assert not (old.settings.state_dir / "backup.key").exists()
    passphrase.write_text("correct horse battery staple")
    assert new.restore(tmp_path / "backup", secret_file=passphrase).rows["apps"] == 1


def test_a_full_disk_leaves_the_backup_before_it_and_no_half_file(
    old: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "backup"
    old.back_up(file)
    before = file.read_bytes()

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(HostUnready, match="no room for the backup"):
        old.back_up(file)
    assert file.read_bytes() == before
    assert not list(tmp_path.glob("*.partial"))


def test_two_backups_are_not_made_at_the_same_time(old: Installation, tmp_path: Path) -> None:
    with making._alone(old.settings.state_dir), pytest.raises(HostUnready, match="being made"):
        old.back_up(tmp_path / "backup")
    old.back_up(tmp_path / "backup")


@pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
def test_a_database_that_was_made_by_an_older_slipway_is_migrated(
    old: Installation, new: Installation, tmp_path: Path
) -> None:
    from alembic import command

    with old.database.engine.connect() as connection, connection.begin():
        command.downgrade(migrations.config(connection), "0022")
    said = old.back_up(tmp_path / "backup")
    assert said.schema == "0022"
    new.restore(tmp_path / "backup", secret_file=old.settings.state_dir / "backup.key")
    with new.database.engine.connect() as connection:
        assert migrations.current(connection) == migrations.newest()
        assert connection.scalar(text("SELECT count(*) FROM apps")) == 1
