"""Keeping what is measured: what counting 10,000 busy apps costs, what a day of 1,000 apps takes, what sampling costs.

Alone: `python -m tests.bench usage [--short]`. A whole day of minutes, on two databases, takes more than ten minutes.
"""

from __future__ import annotations

import json
import os
import random
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import insert, text

from builder.agent.telemetry.resource_samples import EVERY_S, ResourceSamples
from builder.agent.telemetry.usage_counting import PAUSE_FACTOR, PAUSE_MOST_S, UsageCounting
from slipway.adapters.linux import cgroups, network_use
from slipway.adapters.redis import keys
from slipway.adapters.redis.edge_metrics import RedisUsageStream
from slipway.adapters.redis.work_queue import connect
from slipway.core.usage.fields import Usage
from slipway.db import Database
from slipway.domain.usage import sealing, storing
from slipway.domain.usage.storing import Subject
from slipway.migrations import service_role, upgrade
from slipway.models import App, Tenant, UsageDay, UsageHour, UsageSubject
from slipway.ports.runtime import NetworkUse, Observed, ResourceUse
from tests.bench.measuring import Row
from tests.fixtures.services.postgresql import SERVICE, running_cluster
from tests.fixtures.services.redis_server import running_redis

WHY = "bench"
BEGIN_S = 1_767_268_800  # 2026-01-01T12:00:00Z
BUSY, LOOK_S, AT_ONCE = 10_000, 5.0, 200
"""With thousands of busy apps an edge looks every five seconds, and writes a record of 200 each."""
MINUTES = 10
DAY_H, SHORT_H = 24, 3
APPS, REPLICAS_EACH = 1_000, 3
SAMPLED, ROUNDS = 100, 20
_TICKS = os.sysconf("SC_CLK_TCK")


def rows(hours: int) -> list[Row]:
    """`hours`: how many of the day are written. Needs root, redis-server and PostgreSQL."""
    with sqlite() as db:
        found = [counting(db, "SQLite")]
    with sqlite() as db:
        found.append(day(db, hours, "SQLite"))
    with postgresql() as (db, pid):
        found += [counting(db, "PostgreSQL, its processes included", pid), day(db, hours, "PostgreSQL")]
    return [*found, sampling()]


@contextmanager
def sqlite() -> Iterator[Database]:
    folder = Path(tempfile.mkdtemp(prefix="slipway-bench-"))
    db = Database(f"sqlite:///{folder / 'slipway.db'}")
    upgrade(db.engine)
    yield db
    db.dispose()
    shutil.rmtree(folder)


@contextmanager
def postgresql() -> Iterator[tuple[Database, int]]:
    with running_cluster() as cluster:
        owner = Database(cluster.create("bench"), pool=False, any_role=True)
        upgrade(owner.engine)
        service_role.prepare(owner.engine, cluster.url("bench", SERVICE))
        db = Database(cluster.url("bench", SERVICE))
        yield db, int((cluster.folder / "data" / "postmaster.pid").read_text().split()[0])
        db.dispose()


def counting(db: Database, of: str, server: int = 0) -> Row:
    """Ten minutes of 10,000 apps that are asked in each second, counted and put together as the agent does it."""
    add_apps(db, BUSY)
    clock = [float(BEGIN_S)]
    with running_redis() as redis, connect(redis.url) as client:
        samples = ResourceSamples(None, list, lambda _: {}, time.time)  # type: ignore[arg-type]
        agent = UsageCounting(db, RedisUsageStream(client), samples, lambda: clock[0])
        took_s, written, paused_until = 0.0, 0, 0.0
        for _ in range(int(MINUTES * 60 / LOOK_S)):
            clock[0] += LOOK_S
            written = tell(client, written, clock[0])
            if clock[0] < paused_until:
                continue
            before_s = processor_s(server)
            agent.count_records()
            took_s += processor_s(server) - before_s
            paused_until = clock[0] + min(PAUSE_MOST_S, PAUSE_FACTOR * (processor_s(server) - before_s))
        agent.count_records()
        clock[0] += 7200
        before_s = processor_s(server)
        moved = agent.seal()
        took_s += processor_s(server) - before_s
    assert moved == BUSY * MINUTES, moved
    share = took_s / (MINUTES * 60)
    what = f"counting {BUSY:,} busy apps' records ({of})"
    return Row(what, f"{share:.1%} of a core", "≤ 10 %", share <= 0.1)


def day(db: Database, hours: int, of: str) -> Row:
    """What a day of 1,000 apps takes that are asked in each minute, with three replicas each, that run all the time."""
    apps, replicas = add_subjects(db)
    before = size_bytes(db)
    chance = random.Random(1)
    for hour in range(hours):
        for minute in range(60):
            number = BEGIN_S // 60 + hour * 60 + minute
            used = {(number, each): traffic(chance) for each in apps} | {
                (number, each): use(chance) for each in replicas
            }
            with db.write(platform=WHY) as session:
                storing.add_minutes(session, used)
        sealing.seal(db, BEGIN_S + (hour + 1) * 3600 + 301)
    of_day = (size_bytes(db) - before) * 24 / hours / 1e6
    counts = ", ".join(f"{name} {size / 1e6:.0f} MB" for name, size in table_bytes(db).items())
    what = f"a day of {APPS:,} busy apps with {REPLICAS_EACH} replicas each, with its minutes ({of})"
    return Row(what, f"{of_day:.0f} MB ({hours} h written: {counts})", "≤ 250 MB", of_day <= 250)


def sampling() -> Row:
    """One look at 100 replicas' counters, in the kernel's own files."""
    with groups(SAMPLED) as ids:
        observed = [running(id_) for id_ in ids]
        sampler = ResourceSamples(Kernel(), lambda: observed, lambda _: {}, time.time)  # type: ignore[arg-type]
        sampler.sample()
        before_s = time.process_time()
        for _ in range(ROUNDS):
            sampler.sample()
        share = (time.process_time() - before_s) / ROUNDS / EVERY_S
    assert len(sampler.take()) == SAMPLED
    return Row(f"sampling {SAMPLED} replicas every {EVERY_S:.0f} s", f"{share:.2%} of a core", "≤ 1 %", share <= 0.01)


class Kernel:
    """What a runtime reads of its containers."""

    def usage(self, container_id: str) -> ResourceUse:
        return cgroups.use_of(container_id)

    def network_use(self, container_id: str) -> NetworkUse | None:
        return network_use.of_process(cgroups.process_of(container_id))


def running(container_id: str) -> Observed:
    return Observed(
        *(container_id, container_id, 1, 1, "production", "web", 1, 1, True, False, None, None, False),
        started_at=time.time(),
    )


@contextmanager
def groups(count: int) -> Iterator[list[str]]:
    """Control groups where Docker would have them (version 1), with a process each."""
    ids = [secrets.token_hex(32) for _ in range(count)]
    roots = [cgroups.ROOT / name / "docker" for name in ("cpu", "cpuacct", "memory", "pids")]
    made = [root / id_ for id_ in ids for root in roots]
    processes = [subprocess.Popen(["sleep", "600"]) for _ in ids]
    try:
        for group in made:
            group.mkdir(parents=True, exist_ok=True)
        for id_, process in zip(ids, processes, strict=True):
            for root in roots:
                (root / id_ / "cgroup.procs").write_text(str(process.pid))
        yield ids
    finally:
        for process in processes:
            process.kill()
            process.wait()
        for group in made:
            if group.is_dir():
                group.rmdir()


def add_apps(db: Database, count: int) -> None:
    made_at = datetime.fromtimestamp(BEGIN_S - 86400, UTC)
    with db.write(platform=WHY) as session:
        tenant = Tenant(name="acme")
        session.add(tenant)
        session.flush()
        values = {"tenant_id": tenant.id, "created_at": made_at}
        session.execute(insert(App), [{"id": n + 1, "name": f"app-{n}", **values} for n in range(count)])


def add_subjects(db: Database) -> tuple[list[Subject], list[Subject]]:
    with db.write(platform=WHY) as session:
        tenant = Tenant(name="umbrella")
        session.add(tenant)
        session.flush()
        image = "sha256:" + "a" * 64
        values = {"tenant_id": tenant.id, "app_created_ms": 1, "image": image}
        apps = [{"id": 100_001 + n, "app_id": n, "app_name": f"app-{n}"} | values for n in range(APPS)]
        replicas = [
            {"id": 200_001 + n, "environment": "production", "process": "web", "replica_id": f"r-{n:038}"}
            | {"app_id": n // REPLICAS_EACH, "app_name": f"app-{n // REPLICAS_EACH}"}
            | values
            for n in range(APPS * REPLICAS_EACH)
        ]
        session.execute(insert(UsageSubject), apps)
        session.execute(insert(UsageSubject), replicas)
        return [Subject(each["id"], tenant.id) for each in apps], [Subject(each["id"], tenant.id) for each in replicas]


def tell(client: object, written: int, at_s: float) -> int:
    """A look's records, as an edge writes them."""
    with client.pipeline(transaction=False) as pipe:  # type: ignore[attr-defined]
        for first in range(0, BUSY, AT_ONCE):
            written += 1
            apps = {str(n + 1): _counted(n) for n in range(first, first + AT_ONCE)}
            record = json.dumps({"sequence": written, "from": at_s - LOOK_S, "to": at_s, "apps": apps})
            fields = {"edge": "edge-1", "boot": "6956cd00abcdef", "sequence": written, "record": record}
            pipe.xadd(keys.USAGE, fields)
        pipe.execute()
    return written


def _counted(n: int) -> list[int]:
    """Of one app: seven requests, of which most took up to 50 ms."""
    return [0, 6, 0, 1, 0, 18722 + n, 903311 + n, 411, 0, 0, 1, 2, 2, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0]


def traffic(chance: random.Random) -> Usage:
    requests = chance.randint(1, 4000)
    latencies = {f"latency_{number}": chance.randint(0, requests // 4) for number in range(3, 9)}
    counted = {"requests_2xx": requests, "requests_4xx": chance.randint(0, 20), "duration_ms": requests * 31}
    return counted | {"bytes_in": requests * 700, "bytes_out": requests * 9_311} | latencies


def use(chance: random.Random) -> Usage:
    memory = chance.randint(90, 130) << 20
    return {
        "running_ms": 60_000,
        "cpu_us": chance.randint(100_000, 30_000_000),
        "memory_byte_s": memory * 60,
        "memory_peak_bytes": memory,
        "memory_limit_byte_s": 512 * 60 << 20,
        "network_in_bytes": chance.randint(1, 1 << 24),
        "network_out_bytes": chance.randint(1, 1 << 24),
    }


def processor_s(server: int) -> float:
    """Of this process, and of the database's that descend from `server`."""
    return time.process_time() + (sum(_used_s(pid) for pid in _family(server)) if server else 0.0)


def _family(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *map(int, children)]


def _used_s(pid: int) -> float:
    try:
        values = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return 0.0
    return (int(values[11]) + int(values[12])) / _TICKS


def size_bytes(db: Database) -> int:
    return sum(table_bytes(db).values())


def table_bytes(db: Database) -> dict[str, int]:
    """Tables with their indexes."""
    if db.engine.dialect.name == "sqlite":
        db.checkpoint()
        query = "SELECT sum(pgsize) FROM dbstat WHERE name = :name OR name LIKE '%' || :name || '%'"
    else:
        query = "SELECT pg_total_relation_size(CAST(:name AS regclass))"
    with db.read(platform=WHY) as session:
        names = [model.__tablename__ for model in (UsageHour, UsageDay, UsageSubject)]
        return {name: int(session.connection().execute(text(query), {"name": name}).scalar() or 0) for name in names}
