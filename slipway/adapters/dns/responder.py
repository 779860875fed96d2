"""The authoritative server of the challenges' zone, over UDP and TCP (zone.py has what it says).

It reads the records from Redis a few times a second and answers from memory, so no question reaches Redis. Everything
is bounded: responses by network and second, connections, questions of a connection, time. A network that asks more than
that by UDP is sent to TCP.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Any

from slipway.adapters.dns.zone import Texts, Zone, respond

log = logging.getLogger(__name__)

READ_EVERY_S = 0.25
RESPONSES_A_SECOND = 50
"""By UDP, to one network."""
_NETWORKS_MOST = 4096
"""So many are counted apart in a second; whoever comes after these is sent to TCP."""
CONNECTIONS, CONNECTIONS_OF_A_NETWORK = 64, 8
QUESTIONS_OF_A_CONNECTION = 16
IDLE_S = 5.0
_UDP_QUESTION_MOST = 1232
_TCP_QUESTION_MOST = 4096
_UNSENT_MOST = 1 << 18
"""Bytes of responses that the kernel does not take: more are dropped."""


@dataclass(slots=True)
class RateLimit:
    """Counts by network and second: a sender of UDP is whoever a flood shall hit."""

    most: int = RESPONSES_A_SECOND
    _second: int = 0
    _counts: Counter[str] = field(default_factory=Counter)

    def is_over(self, address: str, now_s: float) -> bool:
        if int(now_s) != self._second:
            self._second = int(now_s)
            self._counts.clear()
        network = network_of(address)
        if len(self._counts) >= _NETWORKS_MOST and network not in self._counts:
            return True
        self._counts[network] += 1
        return self._counts[network] > self.most


def network_of(address: str) -> str:
    """What one sender may have many addresses of: /24, or /56 of IPv6."""
    host = ip_address(address.partition("%")[0])
    return str(ip_network(f"{host}/{24 if host.version == 4 else 56}", strict=False))


class Responder:
    """`read` gives the records; it may raise, then those from before stay."""

    def __init__(self, zone: Zone, read: Callable[[], Texts], *, idle_s: float = IDLE_S) -> None:
        self._zone = zone
        self._read = read
        self._idle_s = idle_s
        self._texts: Texts = {}
        self._limit = RateLimit()
        self._connections: Counter[str] = Counter()
        self._is_failing = False

    async def serve(self, host: str, port: int, stopped: asyncio.Event, started: Callable[[], None]) -> None:
        """Answer until `stopped` is set. Raises `OSError` when the port is taken."""
        loop = asyncio.get_running_loop()
        udp, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(self), local_addr=(host, port))
        try:
            tcp = await asyncio.start_server(self._connection, host, port, limit=_TCP_QUESTION_MOST)
            async with tcp:
                started()
                await self._follow(stopped)
        finally:
            udp.close()

    def answer_udp(self, wire: bytes, address: str, now_s: float) -> bytes | None:
        if len(wire) > _UDP_QUESTION_MOST:
            return None
        truncated = self._limit.is_over(address, now_s)
        return respond(self._zone, self._texts, wire, "udp", truncated=truncated)

    async def _follow(self, stopped: asyncio.Event) -> None:
        while not stopped.is_set():
            await self._refresh()
            try:
                await asyncio.wait_for(stopped.wait(), READ_EVERY_S)
            except TimeoutError:
                continue

    async def _refresh(self) -> None:
        try:
            self._texts = await asyncio.to_thread(self._read)
        except Exception as error:  # noqa: BLE001 - whatever it is, the records from before are answered
            if not self._is_failing:
                log.warning("the records can't be read: those from before stay", extra={"why": str(error)})
            self._is_failing = True
        else:
            self._is_failing = False

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        network = network_of(writer.get_extra_info("peername")[0])
        if self._connections.total() >= CONNECTIONS or self._connections[network] >= CONNECTIONS_OF_A_NETWORK:
            writer.close()
            return
        self._connections[network] += 1
        try:
            for _ in range(QUESTIONS_OF_A_CONNECTION):
                async with asyncio.timeout(self._idle_s):
                    if not await self._answer_tcp(reader, writer):
                        break
        except (OSError, EOFError, TimeoutError):
            pass
        finally:
            self._connections[network] -= 1
            if not self._connections[network]:
                del self._connections[network]
            writer.close()

    async def _answer_tcp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        size = int.from_bytes(await reader.readexactly(2), "big")
        if size > _TCP_QUESTION_MOST:
            return False
        response = respond(self._zone, self._texts, await reader.readexactly(size), "tcp")
        if response is None:
            return False
        writer.write(len(response).to_bytes(2, "big") + response)
        await writer.drain()
        return True


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, responder: Responder) -> None:
        self._responder = responder
        self._loop = asyncio.get_running_loop()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        response = self._responder.answer_udp(data, addr[0], self._loop.time())
        if response is not None and self._transport.get_write_buffer_size() < _UNSENT_MOST:
            self._transport.sendto(response, addr)
