"""Commands named in remedies, made ready to be copied: whoever reads one need not stand in the app's folder."""

from __future__ import annotations

import re
from collections.abc import Sequence

_OF_AN_APP = re.compile(
    r"\bslipway (?:deploy|logs|ps|runs?|cron|exec|rollback|scale|open|env(?: (?:set|unset))?|apps set"
    r"|domains(?: (?:add|remove))?|deployments(?! (?:show|log|cancel)\b))(?![\w-])(?!(?P<rest>[^\n;,)]*) -a\b)"
)
_DEPLOY = re.compile(r"\bslipway deploy\b(?! (?:-a|--ref|--image))")


def for_app(text: str, app: str, again: str = "") -> str:
    """The text, with `-a APP` in every command of it that is about one app and names none.

    Args:
        again: options that a `slipway deploy` without any needs to be the same once more, such as `--ref v1`.
    """
    if again:
        text = _DEPLOY.sub(lambda command: f"{command[0]} {again}", text)
    return _OF_AN_APP.sub(lambda command: f"{command[0]} -a {app}", text)


def when_builds_read(settings: Sequence[str], app: str) -> str:
    """What applies settings that only builds read: `build: slipway deploy -a shop`; a push is compared by `paths`."""
    return "push." if list(settings) == ["paths"] else f"build: slipway deploy -a {app}"
