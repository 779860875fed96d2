"""Railpack: https://railpack.com/platforms/running-railpack-in-production"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from slipway.core.build.named.builder import Builder
from slipway.core.build.templates.template import BaseImages, text
from slipway.errors import InvalidInput

PLAN_FILE = "railpack-plan.json"
PLAN_MOST_BYTES = 1 << 20
_PLAN_DEPTH = 50


def _railpack_plan(images: BaseImages, names: Sequence[str]) -> str:
    """Railpack looks at the files inside of BuildKit, too: it starts programs that they choose."""
    mounts = "".join(f"--mount=type=secret,id={name} " for name in names)
    given = " ".join(f'--env {name}="$(cat /run/secrets/{name} 2>/dev/null)"' for name in names)
    command = " ".join(filter(None, ["/railpack prepare", given, f"--plan-out /plan/{PLAN_FILE} /app"]))
    return text(
        [
            f"FROM {images.railpack} AS plan",
            "COPY . /app",
            f"RUN {mounts}mkdir -p /plan && {command}",
            "FROM scratch",
            f"COPY --from=plan /plan/{PLAN_FILE} /{PLAN_FILE}",
        ]
    )


RAILPACK = Builder("railpack", ("railpack",), _railpack_plan, frontend="railpack")


def images_in(plan: bytes) -> list[str]:
    """The images that Railpack's plan takes files from. A repository's own railpack.json may name any.

    Raises:
        InvalidInput: it is no plan.
    """
    try:
        document = json.loads(plan)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise InvalidInput("Railpack left no plan that can be read", remedy="look at the log: what did Railpack say?")
    return list(dict.fromkeys(_images(document, 0)))


def _images(value: Any, depth: int) -> Iterator[str]:
    """Every text that is called an image, at whatever place: a place that is not known here must not hide one."""
    if depth > _PLAN_DEPTH:
        raise InvalidInput("Railpack's plan is nested too deeply", remedy="simplify railpack.json")
    if isinstance(value, dict):
        for key, inner in value.items():
            if isinstance(inner, str) and key.lower() in ("image", "base", "from"):
                yield inner
            else:
                yield from _images(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            yield from _images(inner, depth + 1)
