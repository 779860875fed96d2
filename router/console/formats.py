"""How templates write times, amounts and counts: the only place that knows."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from markupsafe import Markup, escape

from slipway.core.text import amounts
from slipway.core.text.counting import plural
from slipway.models import now

_TIME = Markup('<time datetime="{exact}" title="{title}"{live}>{shown}</time>')
_LIVE = Markup(" data-ago")
_WORD = re.compile(r"[a-z][a-z'’-]*[,:;.!?]?(?= |$)")
_GROUPS = "\N{NARROW NO-BREAK SPACE}"


def ago(moment: datetime | None) -> Markup:
    """`3 min ago`, with the exact time for whoever points at it; `console.js` keeps it true while the page is open."""
    if moment is None:
        return Markup("{}").format(amounts.NEVER)
    return _time(moment, amounts.ago(moment, now()), live=True)


def moment(value: datetime | None) -> Markup:
    """`30 Nov 2026, 09:45 UTC`."""
    return Markup() if value is None else _time(value, _exact(value), live=False)


def clock(value: datetime | None) -> Markup:
    """`09:45:10`, where the day is clear."""
    return Markup() if value is None else _time(value, f"{value.astimezone(UTC):%H:%M:%S}", live=False)


def count(value: float) -> str:
    """`12 345`."""
    return f"{value:,.0f}".replace(",", _GROUPS)


def rate(value: float) -> str:
    """A number a second: `0.4`, `17`."""
    return f"{value:.1f}" if value < 10 else count(value)


def percent(share: float) -> str:
    """`12.5 %` of a share of 1."""
    return f"{100 * share:.1f}{_GROUPS}%"


def version(deployed: Any) -> str:
    """The commit or the digest of what has both, as short as people write it."""
    return amounts.version(deployed.commit, deployed.digest)


def first_line(text: str) -> str:
    """Of a commit's message."""
    return text.partition("\n")[0].strip()


def host(url: str) -> str:
    """Of a URL, with its port: what people read."""
    return urlsplit(url).netloc


def marked(text: str) -> Markup:
    """What stands between backticks as code."""
    parts = text.split("`")
    return Markup().join(
        Markup("<code>{}</code>").format(part) if number % 2 else escape(part) for number, part in enumerate(parts)
    )


def branch(ref: str) -> str:
    return ref.removeprefix("refs/heads/")


def sentence(text: str) -> str:
    """Remedies begin with a small letter, since the command prints them after other words. A name, as of a host or a
    setting, stays as it is."""
    text = text[:1].upper() + text[1:] if _WORD.match(text) else text
    return text + ("" if not text or text.endswith((".", "!", "?")) else ".")


def lines(text: str) -> list[str]:
    return text.splitlines()


def _time(value: datetime, shown: str, *, live: bool) -> Markup:
    exact = value.astimezone(UTC).isoformat(timespec="seconds")
    return _TIME.format(exact=exact, title=_exact(value), live=_LIVE if live else Markup(), shown=shown)


def _exact(value: datetime) -> str:
    return f"{value.astimezone(UTC):%-d %b %Y, %H:%M} UTC"


FILTERS: dict[str, Callable[..., Any]] = {
    "ago": ago,
    "moment": moment,
    "clock": clock,
    "count": count,
    "rate": rate,
    "percent": percent,
    "version": version,
    "first_line": first_line,
    "branch": branch,
    "marked": marked,
    "host": host,
    "sentence": sentence,
    "lines": lines,
    "plural": plural,
    "size": amounts.size,
    "seconds": amounts.seconds,
}
