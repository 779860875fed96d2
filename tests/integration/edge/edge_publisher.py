"""Publishes routes as docs/reference/edge-protocol.md says, for tests of the edge alone."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from typing import Any

import redis

META = "slipway:routes:meta"
TABLE = "slipway:routes:table"
DELTAS = "slipway:routes:deltas"
CONFIRMED = "slipway:edges:confirmed"
HOST = "shop.localhost"


def target(port: int, id_: str = "", address: str = "127.0.0.1") -> dict[str, Any]:
    return {"id": id_ or f"r-{port}", "address": address, "port": port}


def entry(*targets: dict[str, Any], app: str = "1", generation: int = 0, **more: Any) -> dict[str, Any]:
    plain = {"timeouts": {"connect_s": 2, "read_s": 60}, "max_body_bytes": 104857600}
    return {
        "app": app,
        "name": f"app{app}",
        "tenant": "acme",
        "generation": generation,
        "targets": list(targets),
        **plain,
        **more,
    }


class Publisher:
    """One publisher, as the agent is: it alone gives generations."""

    def __init__(self, client: redis.Redis) -> None:
        self.client = client
        self.epoch = ""
        self.generation = 0
        self.table: dict[str, str] = {}

    def start(self, entries: Mapping[str, dict[str, Any]] | None = None) -> None:
        """The whole table under a new epoch. The stream goes on; a record without a host announces it."""
        self.epoch, self.generation = secrets.token_hex(8), self.generation + 1
        self.table = {host: self._json(value) for host, value in (entries or {}).items()}
        with self.client.pipeline(transaction=True) as pipe:
            pipe.delete(TABLE)
            if self.table:
                pipe.hset(TABLE, mapping=self.table)
            pipe.xadd(DELTAS, self._record("", "", 1, 1))
            pipe.hset(META, mapping={"epoch": self.epoch, "generation": self.generation})
            pipe.execute()

    def publish(self, changes: Mapping[str, dict[str, Any] | None]) -> int:
        """One generation; None removes a host. Without changes a record without a host announces it."""
        self.generation += 1
        with self.client.pipeline(transaction=True) as pipe:
            for number, (host, value) in enumerate(changes.items(), start=1):
                raw = self._json(value) if value is not None else ""
                self._set(pipe, host, raw)
                pipe.xadd(DELTAS, self._record(host, raw, number, len(changes)), maxlen=10_000, approximate=True)
            if not changes:
                pipe.xadd(DELTAS, self._record("", "", 1, 1))
            pipe.hset(META, mapping={"epoch": self.epoch, "generation": self.generation})
            pipe.execute()
        return self.generation

    def route(self, host: str, *targets: dict[str, Any], **more: Any) -> int:
        return self.publish({host: entry(*targets, **more)})

    def confirmed(self, edge_id: str = "edge-1") -> tuple[str, int] | None:
        raw = self.client.hget(CONFIRMED, edge_id)
        if raw is None:
            return None
        document = json.loads(raw)
        return document["epoch"], document["generation"]

    def confirmed_at(self, edge_id: str = "edge-1") -> float:
        return float(json.loads(self.client.hget(CONFIRMED, edge_id) or "{}")["at"])

    def is_in_force(self) -> bool:
        return self.confirmed() == (self.epoch, self.generation)

    def inflight(self, edge_id: str = "edge-1") -> dict[str, int]:
        fields = self.client.hgetall(f"slipway:edges:inflight:{edge_id}")
        return {k.decode(): int(v) for k, v in fields.items() if k != b"at" and not k.endswith(b" streams")}

    def streams(self, edge_id: str = "edge-1") -> dict[str, int]:
        fields = self.client.hgetall(f"slipway:edges:inflight:{edge_id}")
        return {k.decode().removesuffix(" streams"): int(v) for k, v in fields.items() if k.endswith(b" streams")}

    def counted_at(self, edge_id: str = "edge-1") -> float:
        return float(self.client.hget(f"slipway:edges:inflight:{edge_id}", "at") or 0)

    def _json(self, value: dict[str, Any]) -> str:
        return json.dumps(value | {"generation": self.generation})

    def _set(self, pipe: Any, host: str, raw: str) -> None:
        if raw:
            self.table[host] = raw
            pipe.hset(TABLE, host, raw)
        else:
            self.table.pop(host, None)
            pipe.hdel(TABLE, host)

    def _record(self, host: str, raw: str, number: int, count: int) -> dict[Any, Any]:
        record = {"epoch": self.epoch, "generation": self.generation, "host": host, "entry": raw}
        return record | ({"last": "1", "count": count} if number == count else {})


def hosts(count: int, *targets: dict[str, Any]) -> Mapping[str, dict[str, Any]]:
    return {f"host-{n}.localhost": entry(*targets, app=str(n)) for n in range(count)}
