"""What a run prints, read through the agent: so far, or as it comes until the run has ended."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Iterator

from router import documents
from router.principal import Principal
from router.services import Services
from router.streams.events import Ended, Events, LogLine, RunChanged
from router.streams.line_position import printed_at
from router.usecases.runs.running import get_run
from slipway.core.runs.states import ACTIVE, RunState
from slipway.errors import DependencyUnavailable, NotFound

log = logging.getLogger(__name__)

PAUSE_S = 0.25
"""How long a run that prints nothing yet, or whose stream broke off, is left alone."""
ANSWER_MAX_CHARS = 4 << 20
"""What a response as text holds: the newest lines."""


def output_so_far(services: Services, principal: Principal, app: str, number: int, *, tail: int) -> Iterator[str]:
    """The last `tail` lines, `<time> <text>`."""
    get_run(services, principal, app, number)
    kept: deque[str] = deque()
    chars = 0
    try:
        with services.agent.output(_holder(number), tail=tail) as lines:
            for line in lines:
                kept.append(f"{line}\n")
                chars += len(line)
                while chars > ANSWER_MAX_CHARS:
                    chars -= len(kept.popleft())
    except NotFound:
        pass  # it is pending, or printed nothing
    return iter(kept)


def follow_run(services: Services, principal: Principal, app: str, number: int, *, after: str = "") -> Events:
    """The run as it is and at each change of its state, each line after the time `after`, and the end. All lines
    where `after` is the time of none."""
    shown: documents.Run | None = None
    after = after if printed_at(after) else ""
    while True:
        try:
            found = get_run(services, principal, app, number)
        except NotFound:
            break
        except DependencyUnavailable as error:
            log.warning("a run can't be followed just now", extra={"run": number, "why": error.message})
            yield from _pause()
            continue
        is_over = RunState(found.state) not in ACTIVE
        if found.state != (shown and shown.state) and not is_over:
            yield [RunChanged(found)]
        shown, position = found, after
        for line in _lines(services, number, after):
            after = line.position or after
            yield [line] if line.text else []
        if is_over:
            yield [RunChanged(found)]
            break
        if position == after:
            yield from _pause()
    yield [Ended()]


def _lines(services: Services, number: int, after: str) -> Iterator[LogLine]:
    """Those after the time, until its container ends; empty ones are signs of life."""
    try:
        with services.agent.follow(_holder(number), tail=None, after=after) as lines:
            for line in lines:
                yield LogLine(line.partition(" ")[0], line)
    except NotFound:
        return
    except DependencyUnavailable as error:
        log.debug("a run's output broke off", extra={"run": number, "why": error.message})


def _pause() -> Events:
    time.sleep(PAUSE_S)
    yield []


def _holder(number: int) -> str:
    """Who holds the run's container, as the agent calls it."""
    return f"run-{number}"
