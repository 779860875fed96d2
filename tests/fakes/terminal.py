"""A program in a replica that gives back what it gets, as `cat` does, until its input ends."""

from __future__ import annotations

import queue
from collections.abc import Sequence

from slipway.core.terminal.channels import Channel, Size
from slipway.ports.runtime import TerminalSpec


class FakeTerminal:
    def __init__(self, spec: TerminalSpec) -> None:
        self.spec = spec
        self.sizes = [spec.size] if spec.size else []
        self.ended = False
        """Somebody ended it."""
        self._code: int | None = None
        self._printed: queue.SimpleQueue[tuple[Channel, bytes] | None] = queue.SimpleQueue()

    def say(self, channel: Channel, content: bytes) -> None:
        self._printed.put((channel, content))

    def finish(self, code: int) -> None:
        self._code = code
        self._printed.put(None)

    def read(self, *, timeout_s: float) -> Sequence[tuple[Channel, bytes]] | None:
        try:
            found = self._printed.get(timeout=timeout_s)
        except queue.Empty:
            return []
        if found is None:
            self._printed.put(None)
            return None
        return [found]

    def write(self, data: bytes) -> None:
        self.say(Channel.STDOUT, data)

    def close_input(self) -> None:
        self.finish(0)

    def resize(self, size: Size) -> None:
        self.sizes.append(size)

    def exit_code(self) -> int | None:
        return self._code

    def end(self) -> None:
        self.ended = True
        if self._code is None:
            self.finish(137)


class FakeProgram(FakeTerminal):
    """A program that reads its input to the end, prints, and ends with a code."""

    def __init__(self, spec: TerminalSpec, printed: bytes = b"", code: int = 0, complaint: bytes = b"") -> None:
        super().__init__(spec)
        self.read_so_far = bytearray()
        self._output, self._complaint, self._ends_with = printed, complaint, code

    def write(self, data: bytes) -> None:
        self.read_so_far += data

    def close_input(self) -> None:
        if self._output:
            self.say(Channel.STDOUT, self._output)
        if self._complaint:
            self.say(Channel.STDERR, self._complaint)
        self.finish(self._ends_with)
