"""What tests push: tells its version, echoes (over WebSockets too), streams, and misbehaves on request."""

import asyncio
import base64
import hashlib
import os
import signal
import sys
import time
from pathlib import Path

VERSION = (Path(__file__).parent / "VERSION").read_text().strip()
BEHAVIOUR = Path(__file__).parent / "BEHAVIOUR"
MODE = BEHAVIOUR.read_text().strip() if BEHAVIOUR.exists() else ""
SLEEPY = os.environ.get("SLEEPY") == VERSION
SLEEP_S = 10.0
NAME = f"{VERSION}/{os.environ.get('ROUND', '')}"
GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, 1.3
CLOSE, GOING_AWAY = 8, (1001).to_bytes(2, "big")


class Connection:
    """One client: request after request, or a WebSocket."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer
        self.at_work = False
        self.is_socket = False

    async def serve(self):
        while not self.is_socket and not stopping.is_set():
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            self.at_work = True
            request, *lines = head.rstrip().split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            method, path, _ = request.split(" ")
            await self.answer(method, path, headers)
            self.at_work = False

    async def answer(self, method, path, headers):
        what, _, rest = path[1:].partition("/")
        if "upgrade" in headers:
            await self.echo(headers["sec-websocket-key"])
        elif method == "POST":
            body = await self.reader.readexactly(int(headers.get("content-length", 0)))
            self.send(200, f"{VERSION} {body.decode()}")
        elif what == "health":
            self.send(500 if MODE == "unhealthy" else 200, VERSION)
        elif what == "stream":
            await self.stream(float(rest))
        elif what == "slow":
            await asyncio.sleep(float(rest))
            self.send(200, VERSION)
        elif what == "env":
            self.send(200, os.environ.get(rest, ""))
        elif what == "exit":
            os._exit(int(rest))
        else:
            self.send(200, VERSION)

    def send(self, status, text):
        body = text.encode()
        head = f"HTTP/1.1 {status} -\r\nContent-Length: {len(body)}\r\nX-Version: {VERSION}\r\n\r\n"
        self.writer.write(head.encode() + body)

    async def stream(self, seconds):
        """The version once per 100 ms, chunked, then the word `end`."""
        self.writer.write(b"HTTP/1.1 200 -\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n")
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.chunk(f"{VERSION}\n")
            await asyncio.sleep(0.1)
        self.chunk("end\n")
        self.writer.write(b"0\r\n\r\n")

    def chunk(self, text):
        self.writer.write(f"{len(text):x}\r\n{text}\r\n".encode())

    async def echo(self, key):
        """Every text comes back with this app's name before it, until one side closes."""
        accept = base64.b64encode(hashlib.sha1((key + GUID).encode(), usedforsecurity=False).digest()).decode()
        head = "HTTP/1.1 101 -\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        self.writer.write(f"{head}Sec-WebSocket-Accept: {accept}\r\n\r\n".encode())
        self.is_socket = True
        while True:
            first, length = await self.reader.readexactly(2)
            mask = await self.reader.readexactly(4)
            masked = await self.reader.readexactly(length & 0x7F)
            text = bytes(byte ^ mask[place % 4] for place, byte in enumerate(masked))
            if first & 0x0F == CLOSE:
                self.say(CLOSE, text[:2])
                return
            self.say(first & 0x0F, f"{NAME} {text.decode()}".encode())

    def say(self, opcode, payload):
        self.writer.write(bytes((0x80 | opcode, len(payload))) + payload)

    def leave(self):
        """The app stops: sockets get a close frame; what is under way is finished; idle connections are closed."""
        if self.is_socket:
            self.say(CLOSE, GOING_AWAY)
        elif not self.at_work:
            self.writer.close()


async def main():
    connections = {}

    async def accept(reader, writer):
        connection = Connection(reader, writer)
        connections[connection] = asyncio.current_task()
        try:
            await connection.serve()
        except (OSError, EOFError):
            pass  # the client is gone
        finally:
            del connections[connection]
            writer.close()

    server = await asyncio.start_server(accept, "0.0.0.0", int(os.environ["PORT"]), backlog=1024)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    print(f"version {VERSION} listens", flush=True)
    await stopping.wait()
    server.close()
    for connection in list(connections):
        connection.leave()
    await asyncio.gather(*connections.values())


if __name__ == "__main__":
    if MODE == "crash":
        sys.exit("KeyError: 'DATABASE_URL'")
    if SLEEPY:
        time.sleep(SLEEP_S)
    stopping = asyncio.Event()
    asyncio.run(main())
