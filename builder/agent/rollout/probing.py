"""Does a replica answer? Asked over the network, so an image needs no curl."""

from __future__ import annotations

import http.client
import socket
import time
from dataclasses import dataclass
from typing import Protocol

_TRY_S = 5.0
"""A try that gets no answer in this time has failed."""
_FIRST_PAUSE_S, _LONGEST_PAUSE_S, _GROWTH = 0.005, 0.1, 1.05


@dataclass(frozen=True, slots=True)
class Question:
    """What to ask a replica. Without a path its port only has to accept a connection."""

    address: str
    port: int
    path: str | None
    host: str

    def __str__(self) -> str:
        return f"GET :{self.port}{self.path}" if self.path else f"TCP :{self.port}"


class Prober(Protocol):
    def ask(self, question: Question, *, for_s: float) -> tuple[int, str]:
        """Ask until it answers or `for_s` is over: how many tries, and the last error (empty: it answered)."""
        ...


class NetworkProber:
    """Asks the replica's own address. 2xx and 3xx count as an answer; redirects aren't followed."""

    def ask(self, question: Question, *, for_s: float) -> tuple[int, str]:
        deadline = time.monotonic() + for_s
        pause_s = _FIRST_PAUSE_S
        tries = 0
        while True:
            tries += 1
            error = _error(question, min(_TRY_S, max(0.5, deadline - time.monotonic())))
            if not error or time.monotonic() + pause_s >= deadline:
                return tries, error
            time.sleep(pause_s)
            pause_s = min(_LONGEST_PAUSE_S, pause_s * _GROWTH)


def _error(question: Question, timeout_s: float) -> str:
    try:
        return _http(question, timeout_s) if question.path else _tcp(question, timeout_s)
    except TimeoutError:
        return f"{question} got no answer within {timeout_s:.0f} s"
    except ConnectionRefusedError:
        return f"{question} was refused: nothing listens on port {question.port}"
    except (OSError, http.client.HTTPException) as error:
        return f"{question} failed: {str(error) or type(error).__name__}"


def _http(question: Question, timeout_s: float) -> str:
    connection = http.client.HTTPConnection(question.address, question.port, timeout=timeout_s)
    try:
        headers = {"Host": question.host, "User-Agent": "slipway-probe", "Connection": "close"}
        connection.request("GET", question.path or "/", headers=headers)
        status = connection.getresponse().status
    finally:
        connection.close()
    return "" if 200 <= status < 400 else f"{question} answered {status}"


def _tcp(question: Question, timeout_s: float) -> str:
    socket.create_connection((question.address, question.port), timeout=timeout_s).close()
    return ""
