"""Commands in a service's container: what they read and what they print goes through here, as it comes."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain

from slipway.core.attached.kinds import Step
from slipway.core.terminal.channels import Channel
from slipway.core.text.control_sequences import decoded, without_controls
from slipway.errors import DeploymentFailed
from slipway.ports.runtime import ContainerRuntime, TerminalSession, TerminalSpec

TIMEOUT_S = 6 * 3600.0
LOOK_S = 0.5
EXIT_CODE_S = 5.0
"""So long after its last output the runtime may take to say how a program ended."""
_SAID_MOST_BYTES, _SHOWN_MOST = 4096, 500


@dataclass(frozen=True, slots=True)
class ServiceCommands:
    """Those of one container, with `variables` beside its own."""

    runtime: ContainerRuntime
    container_id: str
    variables: Mapping[str, str]

    def output_of(self, argv: tuple[str, ...]) -> Iterator[bytes]:
        """What it prints, in pieces. Raises as `run` does, once it has ended."""
        yield from self._run(argv, ())

    def run(self, step: Step, dump: Iterable[bytes] = ()) -> None:
        """To its end. `dump` is read where the step takes it.

        Raises:
            DeploymentFailed: `command-failed`, with what it said, or `command-timeout`.
            NotFound: the container does not run.
        """
        given = dump if step.takes_dump else [step.input.encode()]
        for _ in self._run(step.argv, given):
            pass

    def _run(self, argv: tuple[str, ...], given: Iterable[bytes]) -> Iterator[bytes]:
        session = self.runtime.open_terminal(self.container_id, TerminalSpec(argv, variables=self.variables))
        said: deque[bytes] = deque(maxlen=64)
        feeding = _Feeding(session, given)
        try:
            feeding.start()
            yield from _printed(session, said, argv[0])
            code = _exit_code(session)
        finally:
            session.end()
            feeding.stop()
        feeding.raise_if_failed()
        if code != 0:
            how = "was ended" if code is None else f"ended with exit code {code}"
            raise DeploymentFailed("command-failed", f"{argv[0]} {how}: {self._shown(said)}")

    def _shown(self, said: Iterable[bytes]) -> str:
        """Its last lines, without the passwords that it got."""
        text = without_controls(decoded(b"".join(said)[-_SAID_MOST_BYTES:])).strip()
        for secret in filter(None, self.variables.values()):
            text = text.replace(secret, "•••")
        return text[-_SHOWN_MOST:] or "it said nothing"


class _Feeding:
    """Writes a program's input in a thread of its own: it may print before it reads."""

    def __init__(self, session: TerminalSession, pieces: Iterable[bytes]) -> None:
        self._session = session
        self._pieces = pieces
        self._stopped = threading.Event()
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._feed, name="service-input", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()

    def raise_if_failed(self) -> None:
        """Raises what reading the input raised: the program then got less than all of it."""
        if self._failure is not None:
            raise self._failure

    def _feed(self) -> None:
        try:
            for piece in chain(self._pieces, [b""]):
                if self._stopped.is_set():
                    return
                self._session.write(piece)
            self._session.close_input()
        except Exception as error:  # noqa: BLE001  raised again by who waits for the program
            self._failure = error
            self._session.end()


def _printed(session: TerminalSession, said: deque[bytes], program: str) -> Iterator[bytes]:
    until = time.monotonic() + TIMEOUT_S
    while (found := session.read(timeout_s=LOOK_S)) is not None:
        for channel, content in found:
            if channel is Channel.STDOUT:
                yield content
            else:
                said.append(content)
        if time.monotonic() > until:
            raise DeploymentFailed("command-timeout", f"{program} did not end within {TIMEOUT_S / 3600:g} hours")


def _exit_code(session: TerminalSession) -> int | None:
    until = time.monotonic() + EXIT_CODE_S
    while (code := session.exit_code()) is None and time.monotonic() < until:
        time.sleep(0.05)
    return code
