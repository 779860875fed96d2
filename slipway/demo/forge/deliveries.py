"""Signed webhook deliveries, as GitHub makes them.

`deliver(url, secret, "push", payload)` sends one and returns what came of it. A `Courier` sends in the background,
in order for each hook, and keeps what was sent and answered. Nothing is ever tried again unless it is asked for:
GitHub doesn't either.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

TIMEOUT_S = 10.0
MAX_BODY_BYTES = 25 * 1024 * 1024
_ANSWER_KEPT_BYTES = 64 * 1024
_CONTENT_TYPES = {"json": "application/json", "form": "application/x-www-form-urlencoded"}


@dataclass(frozen=True, slots=True)
class Delivery:
    """One sending of an event to a hook. `status` is None while under way and when no answer came (see `error`)."""

    id: str
    event: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    number: int = 0
    hook_id: int = 0
    repository: str = ""
    redelivery: bool = False
    settled: bool = False
    status: int | None = None
    answer: bytes = b""
    answer_headers: Mapping[str, str] = field(default_factory=dict)
    error: str = ""
    duration_s: float = 0.0

    @property
    def payload(self) -> dict[str, Any]:
        """The event as the receiver parses it."""
        if self.headers["Content-Type"] == _CONTENT_TYPES["form"]:
            text = parse_qs(self.body.decode())["payload"][0]
        else:
            text = self.body.decode()
        parsed: dict[str, Any] = json.loads(text)
        return parsed


def sign(secret: str, body: bytes) -> str:
    """The value of X-Hub-Signature-256 for `body`."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def encode(payload: Mapping[str, Any] | bytes, content_type: str = "json") -> bytes:
    """The raw body of a delivery. Bytes are taken as they are, so that a test can send what is not JSON."""
    if isinstance(payload, bytes):
        return payload
    text = json.dumps(payload, separators=(",", ":"), ensure_ascii=False)
    return urlencode({"payload": text}).encode() if content_type == "form" else text.encode()


def prepare(
    url: str,
    secret: str,
    event: str,
    payload: Mapping[str, Any] | bytes,
    *,
    content_type: str = "json",
    delivery_id: str = "",
    hook_id: int = 1,
    target_id: int = 1,
) -> Delivery:
    """A delivery ready to be sent, signed when there is a secret. `content_type` is `json` or `form`."""
    body = encode(payload, content_type)
    delivery_id = delivery_id or str(uuid.uuid4())
    headers = {
        "User-Agent": "GitHub-Hookshot/51a9c3e",
        "Accept": "*/*",
        "Content-Type": _CONTENT_TYPES[content_type],
        "X-GitHub-Delivery": delivery_id,
        "X-GitHub-Event": event,
        "X-GitHub-Hook-ID": str(hook_id),
        "X-GitHub-Hook-Installation-Target-ID": str(target_id),
        "X-GitHub-Hook-Installation-Target-Type": "repository",
    }
    if secret:
        headers["X-Hub-Signature"] = "sha1=" + hmac.new(secret.encode(), body, hashlib.sha1).hexdigest()
        headers["X-Hub-Signature-256"] = sign(secret, body)
    return Delivery(id=delivery_id, event=event, url=url, headers=headers, body=body, hook_id=hook_id)


def deliver(
    url: str,
    secret: str,
    event: str,
    payload: Mapping[str, Any] | bytes,
    *,
    headers: Mapping[str, str | None] | None = None,
    timeout_s: float = TIMEOUT_S,
    **how: Any,
) -> Delivery:
    """Send one delivery now and return it with its answer.

    `headers` replace GitHub's own, None leaves one out. `how` is what `prepare` takes. A failed connection is reported
    by `error`, never raised.
    """
    delivery = prepare(url, secret, event, payload, **how)
    changed = {**delivery.headers, **(headers or {})}
    return send(
        replace(delivery, headers={key: value for key, value in changed.items() if value is not None}), timeout_s
    )


def send(delivery: Delivery, timeout_s: float = TIMEOUT_S) -> Delivery:
    """Send a prepared delivery. Redirects are not followed."""
    started = time.monotonic()
    if len(delivery.body) > MAX_BODY_BYTES:
        return replace(delivery, settled=True, error="the payload is larger than 25 MB and is not sent")
    try:
        status, headers, answer = _post(delivery, timeout_s)
    except (OSError, http.client.HTTPException) as error:
        outcome = replace(delivery, settled=True, error=f"{type(error).__name__}: {error}")
    else:
        outcome = replace(delivery, settled=True, status=status, answer_headers=headers, answer=answer)
    return replace(outcome, duration_s=time.monotonic() - started)


def loopback_name(host: str) -> str:
    """The address to connect to for `host`: names under .localhost mean this machine even where no resolver says so."""
    return "127.0.0.1" if host == "localhost" or host.endswith(".localhost") else host


def _post(delivery: Delivery, timeout_s: float) -> tuple[int, dict[str, str], bytes]:
    url = urlsplit(delivery.url)
    kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
    connection = kind(loopback_name(url.hostname or ""), url.port, timeout=timeout_s)
    try:
        target = (url.path or "/") + (f"?{url.query}" if url.query else "")
        connection.putrequest("POST", target, skip_host=True, skip_accept_encoding=True)
        for name, value in {"Host": url.netloc.rpartition("@")[2], **delivery.headers}.items():
            connection.putheader(name, value)
        if "Content-Length" not in delivery.headers:
            connection.putheader("Content-Length", str(len(delivery.body)))
        connection.endheaders()
        # A receiver that refuses a large body may answer before it has read all: that answer is what counts.
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.send(delivery.body)
        response = connection.getresponse()
        return response.status, dict(response.getheaders()), response.read(_ANSWER_KEPT_BYTES)
    finally:
        connection.close()


class Courier:
    """Sends deliveries in background threads, one at a time for each hook, and remembers the last `kept` of them."""

    def __init__(self, kept: int = 2000, sender: Callable[[Delivery], Delivery] = send) -> None:
        self._kept = kept
        self._sender = sender
        self._changed = threading.Condition()
        self._deliveries: dict[int, Delivery] = {}
        self._lanes: dict[int, ThreadPoolExecutor] = {}
        self._last_number = 0

    def dispatch(self, delivery: Delivery) -> Delivery:
        """Remember `delivery`, give it a number and send it soon."""
        with self._changed:
            self._last_number += 1
            numbered = replace(delivery, number=self._last_number)
            self._deliveries[numbered.number] = numbered
            while len(self._deliveries) > self._kept:
                del self._deliveries[next(iter(self._deliveries))]
            lane = self._lanes.get(delivery.hook_id)
            if lane is None:
                lane = self._lanes[delivery.hook_id] = ThreadPoolExecutor(1, f"hook-{delivery.hook_id}")
            lane.submit(self._send, numbered)
        return numbered

    def _send(self, delivery: Delivery) -> None:
        outcome = self._sender(delivery)
        with self._changed:
            if outcome.number in self._deliveries:
                self._deliveries[outcome.number] = outcome
            self._changed.notify_all()

    @property
    def deliveries(self) -> list[Delivery]:
        """Every sending so far, oldest first; those under way are not `settled`."""
        with self._changed:
            return list(self._deliveries.values())

    def settle(self, timeout_s: float = 30.0) -> list[Delivery]:
        """Wait until every delivery was answered or given up, and return them.

        Raises:
            TimeoutError: some are still under way after `timeout_s`.
        """
        with self._changed:
            done = self._changed.wait_for(lambda: all(d.settled for d in self._deliveries.values()), timeout_s)
            if not done:
                raise TimeoutError(f"deliveries still under way after {timeout_s:g} s")
            return list(self._deliveries.values())

    def close(self) -> None:
        """Send what is under way, drop what waits."""
        with self._changed:
            lanes = list(self._lanes.values())
            self._lanes.clear()
        for lane in lanes:
            lane.shutdown(wait=True, cancel_futures=True)
