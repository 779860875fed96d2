"""The kinds of attached services: a table, a row a kind. All that differs between them stands here.

Texts with `{password}` and the like are filled in with the service's credentials. No shell reads a command.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from slipway.errors import InvalidInput

USER = DATABASE = "app"
DATA = "data"
"""The volume's name."""


@dataclass(frozen=True, slots=True)
class Step:
    """A command in the service's container."""

    argv: tuple[str, ...]
    takes_dump: bool = False
    """Its standard input is the dump."""
    input: str = ""
    """Its standard input, filled in."""


@dataclass(frozen=True, slots=True)
class Kind:
    name: str
    title: str
    versions: Mapping[str, str]
    """Version → the image, without its registry; the newest first."""
    user: str
    """The image's account that the program runs as: replicas have no capability to change to another one."""
    port: int
    data_path: str
    variable: str
    """What an app gets the address as."""
    url: str
    password_variable: str
    """The service's own variable that has the password which apps use."""
    environment: Mapping[str, str]
    dump: tuple[str, ...]
    """It writes all data to its standard output."""
    restore: tuple[Step, ...]
    """One after the other. Repeated after a kill, they come to the same end."""
    dump_suffix: str
    new_password: Step | None = None
    """Has the running program take `{new_password}`. None: it takes it from its environment when it starts."""
    command: str | None = None
    """In place of the image's own."""
    client_environment: Mapping[str, str] = field(default_factory=dict)
    """Of the commands here."""

    @property
    def default_version(self) -> str:
        return next(iter(self.versions))

    def image(self, version: str) -> str:
        """Raises `InvalidInput` when there is no such version."""
        if version not in self.versions:
            known = ", ".join(self.versions)
            raise InvalidInput(f"there is no {self.title} {version[:40]!r} here", remedy=f"name one of: {known}")
        return self.versions[version]

    def settings(self, memory_mb: int | None) -> dict[str, Any]:
        """Of the app that runs it. Nothing of it drains, since the edges send it nothing."""
        resources: dict[str, Any] = {"read_only": False} | ({"memory_mb": memory_mb} if memory_mb else {})
        made: dict[str, Any] = {
            "port": self.port,
            "health": "tcp",
            "resources": resources,
            "timeouts": {"probe_s": 180, "drain_s": 0, "stop_s": 60},
            "volumes": [{"name": DATA, "path": self.data_path, "shared": False}],
        }
        return made | ({"processes": {"web": {"command": self.command}}} if self.command else {})


def _versions(image: str, *versions: str) -> dict[str, str]:
    return {each: f"{image}:{each}" for each in versions}


_RESTORED, _REPLACED = "app_restored", "app_replaced"
_PSQL = ("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-U", USER, "-d", "postgres")
_SWAP = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'app'; "
    "ALTER DATABASE app RENAME TO app_replaced; ALTER DATABASE app_restored RENAME TO app"
)
POSTGRES = Kind(
    name="postgres",
    title="PostgreSQL",
    versions=_versions("postgres", "17", "16", "15", "14"),
    user="postgres",
    port=5432,
    data_path="/var/lib/postgresql/data",
    variable="DATABASE_URL",
    url="postgresql://{user}:{password}@{host}:{port}/{database}",
    password_variable="POSTGRES_PASSWORD",  # noqa: S106
    environment={
        "POSTGRES_USER": "{user}",
        "POSTGRES_PASSWORD": "{password}",
        "POSTGRES_DB": "{database}",
        "PGDATA": "/var/lib/postgresql/data/pgdata",
    },
    dump=("pg_dump", "-U", USER, "-d", DATABASE, "--format=custom", "--compress=0"),
    # Into a database of its own, which takes the place of the other one at once: a restore that fails, or is killed,
    # leaves the data as it was.
    restore=(
        Step(("dropdb", "-U", USER, "--force", "--if-exists", _RESTORED)),
        Step(("createdb", "-U", USER, "--template=template0", _RESTORED)),
        Step(("pg_restore", "-U", USER, "-d", _RESTORED, "--no-owner", "--exit-on-error"), takes_dump=True),
        Step(("dropdb", "-U", USER, "--force", "--if-exists", _REPLACED)),
        Step((*_PSQL, "-c", _SWAP)),
        Step(("dropdb", "-U", USER, "--force", "--if-exists", _REPLACED)),
    ),
    dump_suffix="dump",
    new_password=Step(_PSQL, input="ALTER ROLE \"{user}\" PASSWORD '{new_password}';\n"),
)


def _redis(name: str, title: str, program: str, cli: str, versions: Mapping[str, str]) -> Kind:
    """The dump is a snapshot (RDB), which replaces all data; what is written after it goes on in the log (AOF)."""
    ask = (cli, "-e")
    kept = "--dir /data --save '' --appendonly yes"
    command = f"{program} --requirepass ${{REDIS_PASSWORD}} {kept} --enable-debug-command local"
    return Kind(
        name=name,
        title=title,
        versions=versions,
        user=name,
        port=6379,
        data_path="/data",
        variable="REDIS_URL",
        url="redis://:{password}@{host}:{port}/0",
        password_variable="REDIS_PASSWORD",  # noqa: S106
        environment={"REDIS_PASSWORD": "{password}"},
        client_environment={"REDISCLI_AUTH": "{password}"},
        command=command,
        dump=(cli, "--rdb", "-"),
        restore=(
            Step((*ask, "CONFIG", "SET", "appendonly", "no")),
            Step(("dd", "of=/data/dump.rdb", "bs=64k"), takes_dump=True),
            Step((*ask, "DEBUG", "RELOAD", "NOSAVE")),
            Step((*ask, "CONFIG", "SET", "appendonly", "yes")),
            Step(("rm", "-f", "/data/dump.rdb")),
        ),
        dump_suffix="rdb",
    )


REDIS = _redis("redis", "Redis", "redis-server", "redis-cli", _versions("redis", "8", "7"))
VALKEY = _redis("valkey", "Valkey", "valkey-server", "valkey-cli", _versions("valkey/valkey", "8", "7"))


def _mysql(name: str, title: str, client: str, dump: str, versions: Mapping[str, str]) -> Kind:
    """Apps get an account for their database; the administrator's password stays in the service."""
    ask = (client, "--user=root")
    return Kind(
        name=name,
        title=title,
        versions=versions,
        user="mysql",
        port=3306,
        data_path="/var/lib/mysql",
        variable="DATABASE_URL",
        url="mysql://{user}:{password}@{host}:{port}/{database}",
        password_variable="MYSQL_PASSWORD",  # noqa: S106
        environment={
            "MYSQL_ROOT_PASSWORD": "{admin_password}",
            "MYSQL_USER": "{user}",
            "MYSQL_PASSWORD": "{password}",
            "MYSQL_DATABASE": "{database}",
        },
        client_environment={"MYSQL_PWD": "{admin_password}"},
        dump=(
            *(dump, "--user=root", "--single-transaction", "--routines", "--triggers", "--events", "--hex-blob"),
            *("--add-drop-database", "--databases", DATABASE),
        ),
        restore=(Step(ask, takes_dump=True),),
        dump_suffix="sql",
        new_password=Step(ask, input="ALTER USER '{user}'@'%' IDENTIFIED BY '{new_password}';\n"),
    )


MYSQL = _mysql("mysql", "MySQL", "mysql", "mysqldump", _versions("mysql", "8.4", "8.0"))
MARIADB = _mysql("mariadb", "MariaDB", "mariadb", "mariadb-dump", _versions("mariadb", "11.4", "10.11"))

KINDS: Mapping[str, Kind] = {each.name: each for each in (POSTGRES, REDIS, VALKEY, MYSQL, MARIADB)}


def kind_named(name: str) -> Kind:
    """Raises `InvalidInput`."""
    if name not in KINDS:
        raise InvalidInput(f"there is no service {name[:40]!r}", remedy=f"name one of: {', '.join(KINDS)}")
    return KINDS[name]
