"""A WebSocket on one side, a program beside a replica's own on the other, and what they say to each other."""

from __future__ import annotations

import logging
import math
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from slipway.core.terminal import channels
from slipway.core.terminal.channels import Channel, End, Size
from slipway.core.terminal.websocket import Decoder, Message, Opcode, ProtocolViolation, encoded
from slipway.errors import SlipwayError
from slipway.ports.runtime import TerminalSession

log = logging.getLogger(__name__)

LOOK_S = 0.5
"""How often a quiet session is looked at."""
PING_S = 10.0
"""How often the client hears that the session lives: whoever is in between ends what is silent."""
RESIZE_S = 0.2
"""No more often than this is the runtime asked for another size: it takes the newest."""
EXIT_CODE_S = 3.0
"""So long after its last output the runtime may take to say how a program ended."""
_PIECE_BYTES = 64 << 10


class Relay:
    """One session, from its first byte to its end. `idle_s`: how long both sides may say nothing."""

    def __init__(
        self,
        connection: socket.socket,
        session: TerminalSession,
        *,
        idle_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._connection = connection
        self._session = session
        self._idle_s = idle_s
        self._clock = clock
        self._heard_at = clock()
        self._sizes: deque[Size] = deque(maxlen=1)
        """The newest that the terminal does not have yet."""
        self._resized_at = -math.inf
        self._sending = threading.Lock()
        self._left = threading.Event()
        """The client is gone."""

    def run(self) -> None:
        """Until the program has ended, the client is gone, or both were silent for too long. What the program started
        ends with it."""
        threading.Thread(target=self._receive, name="terminal-input", daemon=True).start()
        try:
            end = self._send_output()
            if end is not None:
                self._send(channels.written(Channel.END, channels.end_written(end)))
                self._frame(Opcode.CLOSE, b"\x03\xe8")  # 1000: as it should end
        except (OSError, SlipwayError) as error:
            log.debug("a terminal broke off", extra={"why": str(error)})
        finally:
            self._session.end()
            with suppress(OSError):
                self._connection.shutdown(socket.SHUT_RDWR)

    def _send_output(self) -> End | None:
        """Returns how it ended; None: there is nobody to tell."""
        pinged_at = self._clock()
        while not self._left.is_set():
            self._resize()
            found = self._session.read(timeout_s=RESIZE_S if self._sizes else LOOK_S)
            if found is None:
                return self._end()
            for channel, content in found:
                self._heard_at = self._clock()
                self._send(channels.written(channel, content))
            if self._clock() - self._heard_at > self._idle_s:
                return End(None, f"nothing was said for {self._idle_s:g} s")
            if self._clock() - pinged_at > PING_S:
                pinged_at = self._clock()
                self._frame(Opcode.PING)
        return None

    def _resize(self) -> None:
        if self._sizes and self._clock() - self._resized_at >= RESIZE_S:
            self._resized_at = self._clock()
            self._session.resize(self._sizes.popleft())

    def _end(self) -> End:
        until = self._clock() + EXIT_CODE_S
        while (code := self._session.exit_code()) is None and self._clock() < until:
            self._left.wait(0.05)
        return End(code, "" if code is not None else "its end is not known")

    def _receive(self) -> None:
        decoder = Decoder(masked=True)
        try:
            while not self._left.is_set() and (data := self._connection.recv(_PIECE_BYTES)):
                for message in decoder.feed(data):
                    self._take(message)
        except (OSError, ValueError, SlipwayError) as error:
            log.debug("a terminal's client broke off", extra={"why": str(error)})
        self._left.set()

    def _take(self, message: Message) -> None:
        """Raises `ValueError` for what no client says."""
        if message.opcode is Opcode.CLOSE:
            self._left.set()
        elif message.opcode is Opcode.PING:
            self._frame(Opcode.PONG, message.payload)
        elif message.opcode is Opcode.BINARY:
            self._heard_at = self._clock()
            self._do(*channels.read(message.payload))
        elif message.opcode is Opcode.TEXT:
            raise ProtocolViolation("messages are binary")

    def _do(self, channel: Channel, content: bytes) -> None:
        if channel is Channel.STDIN:
            self._session.write(content)
        elif channel is Channel.CLOSE_STDIN:
            self._session.close_input()
        elif channel is Channel.RESIZE:
            self._sizes.append(channels.size_of(content))
        else:
            raise ProtocolViolation("a client has no such channel")

    def _send(self, message: bytes) -> None:
        self._frame(Opcode.BINARY, message)

    def _frame(self, opcode: Opcode, payload: bytes = b"") -> None:
        """Raises OSError."""
        with self._sending:
            self._connection.sendall(encoded(opcode, payload, masked=False))
