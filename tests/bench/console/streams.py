"""What 200 open consoles cost the router while states change, and whether the API waits for them."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import update

from slipway.db import Database
from slipway.models import Replica, now
from tests.bench.console.asking import Client, cpu_ms
from tests.bench.console.dataset import WHY, Filled
from tests.bench.measuring import Row, percentile

CONSOLES = 200
_LOOK_S = 0.1
_ADDRESSES = (
    "/",
    "/apps/{app}",
    "/containers",
    "/dashboard",
    "/",
    "/apps/{app}",
    "/tenant/hooks",
    "/apps/{app}/domains",
)
"""What people have open, in turn."""


@dataclass
class Changing:
    """A replica becomes ready or starts anew in so many tenants each second."""

    database: Database
    tenants: Sequence[Filled]
    each_s: float
    stopped: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        number = 0
        while not self.stopped.wait(self.each_s):
            filled = self.tenants[number % len(self.tenants)]
            number += 1
            state = "starting" if number // len(self.tenants) % 2 else "ready"
            with self.database.write(platform=WHY) as session:
                of_first = Replica.app_id == filled.first_app
                session.execute(
                    update(Replica).where(of_first, Replica.slot == 0).values(state=state, changed_at=now())
                )


@dataclass(frozen=True)
class Measured:
    """What is measured."""

    router: int
    socket: Path
    database: Database
    tenants: Sequence[Filled]
    cookies: Sequence[str]
    """One of each tenant."""
    seconds: float


def rows(of: Measured, kind: str) -> Iterator[Row]:
    """Without anybody, and with open consoles while nothing changes, something on the host, or something of each
    tenant."""
    yield Row(f"GET /api/apps with no console open ({kind})", _latency(_api(of, of.seconds)), "", None)
    for what, changes_per_s in (
        ("nothing changes", 0.0),
        ("a state changes each second", 1.0),
        (f"a state of each of {len(of.tenants)} tenants changes each second", float(len(of.tenants))),
    ):
        yield from _with_consoles(of, f"{what} ({kind})", changes_per_s)


def _with_consoles(of: Measured, what: str, changes_per_s: float) -> Iterator[Row]:
    with _open(of) as consoles, _changing(of, changes_per_s):
        began, cpu = time.monotonic(), cpu_ms(of.router)
        during = _api(of, of.seconds)
        cores = (cpu_ms(of.router) - cpu) / 1000 / (time.monotonic() - began)
    seen = consoles.seen
    of_blocks = f"{seen['asked']} answers with blocks in p50 {seen['p50_ms']:.0f} ms, {seen['failed']} failed"
    shown = f"{cores:.2f} cores; {seen['opened']} streams, {seen['events']} changes, {of_blocks}"
    holds = cores <= 1 if changes_per_s == 1.0 else None
    yield Row(f"{CONSOLES} open consoles, {what}", shown, "≤ 1 core" if changes_per_s == 1.0 else "", holds)
    yield Row(f"GET /api/apps meanwhile, {what}", _latency(during), "", None)


@contextmanager
def _changing(of: Measured, per_s: float) -> Iterator[None]:
    if not per_s:
        yield
        return
    changing = Changing(of.database, of.tenants, 1 / per_s)
    thread = threading.Thread(target=changing.run)
    thread.start()
    try:
        yield
    finally:
        changing.stopped.set()
        thread.join()


@dataclass
class _Consoles:
    seen: dict[str, Any] = field(default_factory=dict)


@contextmanager
def _open(of: Measured) -> Iterator[_Consoles]:
    """They are open when the block begins, and close by themselves."""
    pages = [_page(of, number) for number in range(CONSOLES)]
    argv = [sys.executable, "-m", "tests.bench.console.open_pages", str(of.socket), str(of.seconds + 1)]
    consoles = _Consoles()
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(json.dumps(pages))
        process.stdin.close()
        assert process.stdout.readline() == "open\n"
        yield consoles
        consoles.seen = json.loads(process.stdout.read())


def _page(of: Measured, number: int) -> dict[str, str]:
    tenant = number % len(of.tenants)
    address = _ADDRESSES[number // len(of.tenants) % len(_ADDRESSES)]
    return {"address": address.format(app=of.tenants[tenant].apps[0]), "cookie": of.cookies[tenant]}


def _api(of: Measured, seconds: float) -> list[float]:
    """Of a tenant's own list, asked for ten times a second."""
    client = Client(of.socket, {"Authorization": f"Bearer {of.tenants[-1].token}"})
    found, until = [], time.monotonic() + seconds
    while time.monotonic() < until:
        answer = client.get("/api/apps")
        assert answer.status == 200, answer.text
        found.append(answer.first_byte_ms)
        time.sleep(_LOOK_S)
    client.close()
    return found


def _latency(values: Sequence[float]) -> str:
    return f"p50 {statistics.median(values):.1f} ms, p95 {percentile(values, 0.95):.1f} ms"
