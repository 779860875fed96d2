"""Build arguments that an app gives to its Dockerfile (`--build-arg`): their names and values."""

from __future__ import annotations

import re
from collections.abc import Iterable

from slipway.core.build.dockerfile_policy import PLATFORM_ARGUMENTS
from slipway.core.text.secret_values import is_called_secret
from slipway.errors import InvalidInput

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_OF_BUILDKIT = "BUILDKIT_"
"""By these a build would choose its frontend and leave its tenant's cache mounts."""


def name(text: str) -> str:
    """One that an ARG can have, and that BuildKit does not set or obey itself."""
    if not _NAME.fullmatch(text):
        raise InvalidInput(f"{text[:80]!r} can't be a build argument's name", remedy="letters, digits and _")
    if text.upper().startswith(_OF_BUILDKIT) or text in PLATFORM_ARGUMENTS:
        raise InvalidInput(f"{text} is BuildKit's own", remedy="give the argument another name")
    return text


def value(text: str) -> str:
    """One line."""
    if not all(letter.isprintable() or letter == "\t" for letter in text):
        raise InvalidInput("a build argument's value is one line of text", remedy="put more into a file")
    return text


def notes(names: Iterable[str]) -> tuple[str, ...]:
    """Lines for the deployment's log about arguments that look as if they were secret."""
    return tuple(
        f"build argument {each} stays readable in the image: a secret belongs into `slipway env set --build {each}=…`"
        for each in sorted(names)
        if is_called_secret(each)
    )
