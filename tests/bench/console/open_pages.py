"""Consoles that are open in 200 browsers: each follows its stream, and asks for its blocks again as `console.js` does.

It runs as a process of its own, so that what it costs is not counted as the router's. Prints what it saw as JSON:
`python -m tests.bench.console.open_pages SOCKET SECONDS < pages.json`.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tests.bench.console.asking import HOST

AT_ONCE = 4
"""Pages that are loaded side by side, until all are open."""
_ID = re.compile(r'<(?:section|div|dl|header)[^>]*\bid="(\w+)"[^>]*>')
_LIVE, _EVERY = re.compile(r'data-live="([^"]*)"'), re.compile(r'data-every="(\d+)"')
_SINCE = re.compile(r'data-live-since="([^"]+)"')


@dataclass
class Seen:
    """Of all consoles together."""

    opened: int = 0
    refused: Counter[int] = field(default_factory=Counter)
    """Streams, by status."""
    events: int = 0
    asked: int = 0
    failed: Counter[int] = field(default_factory=Counter)
    took_ms: list[float] = field(default_factory=list)


@dataclass
class Console:
    """A page at `address`, with its cookie."""

    socket: str
    address: str
    cookie: str
    seen: Seen
    blocks: dict[str, tuple[set[str], float]] = field(default_factory=dict)
    """Id → topics, and how often it is asked for by itself (0: never)."""
    asked_every: set[str] = field(default_factory=set)
    waiting: set[str] = field(default_factory=set)
    """What changed while a request was under way."""
    tasks: list[asyncio.Task[None]] = field(default_factory=list)
    asking: set[asyncio.Task[None]] = field(default_factory=set)
    """At most one: what changes meanwhile is asked for after it."""

    async def open(self) -> None:
        page = await self._get(self.address)
        self._show(page)
        since = _SINCE.search(page)
        self.tasks.append(asyncio.create_task(self._follow(since[1] if since else "")))

    def _show(self, page: str) -> None:
        """What the page has now, or what takes the place of a block of it."""
        for tag in _ID.finditer(page):
            live, every = _LIVE.search(tag[0]), _EVERY.search(tag[0])
            if live or every:
                name, seconds = tag[1], float(every[1]) if every else 0.0
                self.blocks[name] = (set(live[1].split()) if live else set(), seconds)
                if seconds and name not in self.asked_every:
                    self.asked_every.add(name)
                    self.tasks.append(asyncio.create_task(self._ask_every(name)))

    def close(self) -> None:
        for task in (*self.tasks, *self.asking):
            task.cancel()

    async def _follow(self, since: str) -> None:
        reader, writer = await asyncio.open_unix_connection(self.socket)
        writer.write(self._request(f"/live?since={since.replace('+', '%2B')}", "Accept: text/event-stream\r\n"))
        status = int((await reader.readline()).split()[1])
        if status != 200:
            self.seen.refused[status] += 1
            return
        self.seen.opened += 1
        name = b""
        while line := await reader.readline():
            if line.startswith(b"event: "):
                name = line[7:].strip()
            elif line.startswith(b"data: ") and name == b"changed":
                self.seen.events += 1
                self._changed(set(json.loads(line[6:])))

    def _changed(self, topics: set[str]) -> None:
        touched = {each for each, (live, _) in self.blocks.items() if "*" in topics or live & topics}
        if touched:
            self._refresh(touched)

    async def _ask_every(self, block: str) -> None:
        """As long as the page has it: the dashboard's block that asks each second is gone with the first figures."""
        while block in self.blocks and (seconds := self.blocks[block][1]):
            await asyncio.sleep(seconds)
            if block in self.blocks:
                self._refresh({block})
        self.asked_every.discard(block)

    def _refresh(self, blocks: set[str]) -> None:
        self.waiting |= blocks
        if not self.asking:
            task = asyncio.create_task(self._ask())
            self.asking.add(task)
            task.add_done_callback(self.asking.discard)

    async def _ask(self) -> None:
        while self.waiting:
            wanted, self.waiting = sorted(self.waiting), set()
            answer = await self._get(self.address, f"HX-Request: true\r\nHX-Fragments: {' '.join(wanted)}\r\n")
            for name in wanted:
                self.blocks.pop(name, None)
            self._show(answer)

    async def _get(self, address: str, headers: str = "") -> str:
        began = time.perf_counter()
        reader, writer = await asyncio.open_unix_connection(self.socket)
        writer.write(self._request(address, headers + "Connection: close\r\n"))
        answer = await reader.read()
        writer.close()
        status = int(answer.split(b" ", 2)[1])
        self.seen.asked += 1
        self.seen.took_ms.append((time.perf_counter() - began) * 1000)
        if status != 200:
            self.seen.failed[status] += 1
        return answer.decode(errors="replace")

    def _request(self, address: str, headers: str) -> bytes:
        return f"GET {address} HTTP/1.1\r\nHost: {HOST}\r\nCookie: {self.cookie}\r\n{headers}\r\n".encode()


async def _run(socket: str, seconds: float, pages: list[dict[str, str]]) -> dict[str, Any]:
    """Opens a few at a time, and says so in a line once all are open. What is counted begins then."""
    seen, opening = Seen(), asyncio.Semaphore(AT_ONCE)

    async def begin(console: Console) -> None:
        async with opening:
            await console.open()

    consoles = [Console(socket, each["address"], each["cookie"], seen) for each in pages]
    await asyncio.gather(*map(begin, consoles))
    while seen.opened + seen.refused.total() < len(consoles):
        await asyncio.sleep(0.05)
    print("open", flush=True)
    seen.events, seen.asked, seen.took_ms = 0, 0, []
    await asyncio.sleep(seconds)
    for console in consoles:
        console.close()
    took = sorted(seen.took_ms) or [0.0]
    return {
        "opened": seen.opened,
        "refused": seen.refused.total(),
        "events": seen.events,
        "asked": seen.asked,
        "failed": seen.failed.total(),
        "p50_ms": took[len(took) // 2],
        "p95_ms": took[int(len(took) * 0.95)],
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_run(sys.argv[1], float(sys.argv[2]), json.load(sys.stdin)))))
