"""This terminal, or this program's input and output, joined to a program in a replica over a WebSocket."""

from __future__ import annotations

import os
import selectors
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Protocol

from slipway.core.terminal import channels
from slipway.core.terminal.channels import Channel, End, Size
from slipway.core.terminal.websocket import Decoder, Message, Opcode, ProtocolViolation, encoded
from slipway.errors import DependencyUnavailable

_PIECE_BYTES = 16 << 10
_STDIN, _STDOUT, _STDERR = 0, 1, 2


class Stream(Protocol):
    """A connection that has been upgraded, as the HTTP client has it."""

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes: ...

    def write(self, buffer: bytes, timeout: float | None = None) -> None: ...

    def get_extra_info(self, info: str) -> Any: ...


def size_of_this() -> Size:
    columns, rows = os.get_terminal_size(_STDIN)
    return Size(max(1, min(columns, 1000)), max(1, min(rows, 1000)))


class Terminal:
    """One session. `is_terminal`: keys go as they are pressed, Ctrl-C too, and the other side learns the window's
    size."""

    def __init__(self, stream: Stream, *, is_terminal: bool) -> None:
        self._stream = stream
        self._is_terminal = is_terminal
        self._decoder = Decoder(masked=False)
        self._end: End | None = None
        self._is_resized = False

    def run(self) -> End:
        """Until the program has ended. Raises `DependencyUnavailable` when the connection breaks off before."""
        with self._raw(), selectors.DefaultSelector() as selector:
            selector.register(self._stream.get_extra_info("socket"), selectors.EVENT_READ, self._receive)
            with suppress(PermissionError):  # a file, which is always ready, can't be waited for
                selector.register(_STDIN, selectors.EVENT_READ, lambda: self._send_input(selector))
            if _STDIN not in selector.get_map():
                self._send_file()
            while self._end is None:
                self._send_size()
                for key, _ in selector.select(0.5):
                    key.data()
        return self._end

    def _receive(self) -> None:
        data = self._stream.read(_PIECE_BYTES)
        if not data:
            raise DependencyUnavailable("The connection broke off.", remedy="see whether the replica runs: slipway ps")
        for message in self._decoder.feed(data):
            self._take(message)

    def _take(self, message: Message) -> None:
        if message.opcode is Opcode.PING:
            self._stream.write(encoded(Opcode.PONG, message.payload, masked=True))
        elif message.opcode is Opcode.CLOSE:
            self._end = self._end or End(None, "the platform ended it")
        elif message.opcode is Opcode.BINARY:
            channel, content = channels.read(message.payload)
            if channel is Channel.END:
                self._end = channels.end_of(content)
            elif channel in (Channel.STDOUT, Channel.STDERR):
                _write(_STDOUT if channel is Channel.STDOUT else _STDERR, content)
            else:
                raise ProtocolViolation("the platform has no such channel")

    def _send_input(self, selector: selectors.BaseSelector) -> None:
        data = os.read(_STDIN, _PIECE_BYTES)
        if data:
            self._send(Channel.STDIN, data)
        else:
            selector.unregister(_STDIN)
            self._send(Channel.CLOSE_STDIN)

    def _send_file(self) -> None:
        while data := os.read(_STDIN, _PIECE_BYTES):
            self._send(Channel.STDIN, data)
        self._send(Channel.CLOSE_STDIN)

    def _send_size(self) -> None:
        if self._is_resized:
            self._is_resized = False
            self._send(Channel.RESIZE, channels.size_written(size_of_this()))

    def _send(self, channel: Channel, content: bytes = b"") -> None:
        self._stream.write(encoded(Opcode.BINARY, channels.written(channel, content), masked=True))

    @contextmanager
    def _raw(self) -> Iterator[None]:
        """This terminal gives each key as it is pressed, and is as it was afterwards."""
        if not self._is_terminal:
            yield
            return
        import termios
        import tty

        before = termios.tcgetattr(_STDIN)
        restore = _on_resize(self._resized)
        try:
            tty.setraw(_STDIN, termios.TCSADRAIN)  # what was typed meanwhile stays
            yield
        finally:
            termios.tcsetattr(_STDIN, termios.TCSADRAIN, before)
            restore()

    def _resized(self) -> None:
        self._is_resized = True


def _on_resize(call: Callable[[], None]) -> Callable[[], object]:
    """Returns what undoes it."""
    before = signal.signal(signal.SIGWINCH, lambda *_: call())
    return lambda: signal.signal(signal.SIGWINCH, before)


def _write(descriptor: int, content: bytes) -> None:
    (sys.stdout if descriptor == _STDOUT else sys.stderr).flush()
    while content:
        content = content[os.write(descriptor, content) :]
