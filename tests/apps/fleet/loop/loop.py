"""One loop for all connections. On SIGUSR1 it refuses everybody, on SIGUSR2 it listens again."""

import asyncio
import os
import signal

PORT = int(os.environ["PORT"])
ANSWER = f"HTTP/1.1 200 OK\r\nContent-Length: {len(os.uname().nodename)}\r\n\r\n{os.uname().nodename}".encode()


connected = set()


class Client(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport
        connected.add(transport)

    def connection_lost(self, _):
        connected.discard(self.transport)

    def data_received(self, data):
        if data.endswith(b"\r\n\r\n"):
            self.transport.write(ANSWER)


async def main():
    loop = asyncio.get_running_loop()
    listens, refuses = asyncio.Event(), asyncio.Event()
    loop.add_signal_handler(signal.SIGUSR1, refuses.set)
    loop.add_signal_handler(signal.SIGUSR2, listens.set)
    while True:
        server = await loop.create_server(Client, "0.0.0.0", PORT, backlog=128)
        await refuses.wait()
        server.close()
        for transport in list(connected):
            transport.abort()
        refuses.clear()
        await listens.wait()
        listens.clear()


asyncio.run(main())
