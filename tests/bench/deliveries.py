"""Delivery → 202, at 100 a second while workers build, and in a burst."""

from __future__ import annotations

import http.client
import json
import os
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import urlsplit

from slipway.demo.forge.forge import sign
from tests.bench.measuring import Row, percentile, spread
from tests.e2e.test_push import slow
from tests.fixtures.stack import Stack

RATE, SECONDS, BURST = 100, 15, 500


@dataclass(frozen=True)
class Sender:
    """Sends signed pushes of one hook, each with a delivery id of its own."""

    port: int
    path: str
    secret: str
    body: bytes

    def send(self, connection: http.client.HTTPConnection | None = None) -> tuple[int, float]:
        """Status, and milliseconds from the request's first byte to the answer's last."""
        own = connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = {
            "Host": "slipway.localhost",
            "Content-Type": "application/json",
            "X-GitHub-Event": "push",
            "X-GitHub-Delivery": str(uuid.uuid4()),
            "X-Hub-Signature-256": sign(self.secret, self.body),
        }
        started = time.perf_counter()
        own.request("POST", self.path, body=self.body, headers=headers)
        answer = own.getresponse()
        answer.read()
        took_ms = (time.perf_counter() - started) * 1000
        if connection is None:
            own.close()
        return answer.status, took_ms


def prepare(stack: Stack) -> Sender:
    """An app whose deliveries are sent again and again; its real head is live already, so each is skipped later."""
    checkout = stack.app("deliveries", hook=False)
    hook = stack.call("POST", "/hooks", {"repository": stack.forge.clone_url("acme/deliveries")})
    checkout.commit("First", VERSION="1\n")
    checkout.push()
    body = json.dumps(stack.forge.push_payload("acme/deliveries")).encode()
    return Sender(stack.port, urlsplit(hook["url"]).path, hook["secret"], body)


def steady(stack: Stack, sender: Sender) -> Row:
    """100 deliveries a second on an open loop, while two other apps build and write their rows and logs."""
    noise = [_keep_building(stack, name) for name in ("noise-a", "noise-b")]
    taken: list[float] = []
    statuses: list[int] = []

    def one(at: float) -> None:
        time.sleep(max(0.0, at - time.perf_counter()))
        status, took_ms = sender.send()
        statuses.append(status)
        taken.append(took_ms)

    start = time.perf_counter() + 0.5
    with ThreadPoolExecutor(32) as pool:
        list(pool.map(one, [start + number / RATE for number in range(RATE * SECONDS)]))
    for stop in noise:
        stop.set()
    accepted = statuses.count(202)
    return Row(
        f"delivery → 202, {RATE}/s for {SECONDS} s while workers write",
        f"{spread(taken)}; {accepted} of {len(statuses)} accepted",
        "p99 ≤ 10 ms",
        percentile(taken, 0.99) <= 10 and accepted == len(statuses),
    )


def disk(stack: Stack) -> Row:
    """The limit: a delivery is answered only once its rows are on the disk."""
    taken = []
    with open(stack.state / "disk.probe", "wb", buffering=0) as file:
        for _ in range(500):
            file.write(bytes(4096))
            started = time.perf_counter()
            os.fdatasync(file.fileno())
            taken.append((time.perf_counter() - started) * 1000)
    return Row("of that, the disk alone: fdatasync after 4 KiB", spread(taken), "", None)


def burst(sender: Sender) -> Row:
    """All at once."""
    started = time.perf_counter()
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: sender.send(), range(BURST)))
    accepted = sum(status == 202 for status, _ in answers)
    return Row(
        f"a burst of {BURST} deliveries",
        f"{accepted} accepted in {time.perf_counter() - started:.1f} s; {spread([took for _, took in answers])}",
        "none lost",
        accepted == BURST,
    )


def _keep_building(stack: Stack, name: str) -> threading.Event:
    checkout = stack.app(name)
    stopped = threading.Event()

    def build() -> None:
        number = 0
        while not stopped.is_set():
            number += 1
            checkout.commit(f"{number}", VERSION=f"{number}\n", Dockerfile=slow(1, str(number)))
            checkout.push()
            stopped.wait(3)

    threading.Thread(target=build, daemon=True).start()
    return stopped
