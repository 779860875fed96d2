"""How templates write times, amounts and counts: the only place that knows."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
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


def age(moment: datetime) -> Markup:
    """`3 h`, with the exact time for whoever points at it."""
    return _time(moment, amounts.ago(moment, now()).removesuffix(" ago"), live=False)


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


def spark(values: Sequence[float | None]) -> str:
    """A line through the values, as the path of a picture of 96 by 24; interrupted where one is not known."""
    largest = max((each for each in values if each is not None), default=0.0) or 1.0
    path, command = [], "M"
    for number, value in enumerate(values):
        if value is None:
            command = "M"
            continue
        across = 96 * number / max(1, len(values) - 1)
        path.append(f"{command}{across:.1f} {23 - 22 * value / largest:.1f}")
        if command == "M":  # a value between two unknown ones is a point
            path.append("h.1")
        command = "L"
    return "".join(path)


def milliseconds(value: float | None) -> str:
    """`3.5 ms`, `87 ms`, `1.2 s`; a dash where nothing was timed."""
    if value is None:
        return "–"
    if value >= 1000:
        return f"{value / 1000:.1f}{_GROUPS}s"
    return f"{value:.0f}{_GROUPS}ms" if value >= 9.95 else f"{value:.1f}{_GROUPS}ms"


def duration(seconds: float | None) -> str:
    """The same of seconds."""
    return milliseconds(None if seconds is None else 1000 * seconds)


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
    """A remedy as a page has it, with its full stop."""
    return capital(text) + ("" if not text or text.endswith((".", "!", "?")) else ".")


def capital(text: str) -> str:
    """Remedies begin with a small letter, since the command prints them after other words. A name, as of a host or a
    setting, stays as it is."""
    return text[:1].upper() + text[1:] if _WORD.match(text) else text


def advice(line: str) -> str:
    """A line of a remedy that may end with a command to copy, or be one: then it has no full stop."""
    return line if line.startswith("slipway ") else capital(line)


def amount(value: float) -> str:
    """A whole number, or one with as many digits after the point as it has: `2.5`."""
    return count(value) if value == int(value) else f"{value:g}"


def actor(name: str) -> str:
    """Who acted, without the kind of who it was: `ada` of `person:ada`."""
    kind, _, own = name.partition(":")
    return own.strip() if kind in ("person", "token") else name


def plain(value: Any) -> str:
    """What is recorded of an action, as people read it: a list with commas, more than that as JSON."""
    if isinstance(value, list) and not any(isinstance(each, dict | list) for each in value):
        return ", ".join(str(each) for each in value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def lines(text: str) -> list[str]:
    return text.splitlines()


def _time(value: datetime, shown: str, *, live: bool) -> Markup:
    exact = value.astimezone(UTC).isoformat(timespec="seconds")
    return _TIME.format(exact=exact, title=_exact(value), live=_LIVE if live else Markup(), shown=shown)


def _exact(value: datetime) -> str:
    return f"{value.astimezone(UTC):%-d %b %Y, %H:%M} UTC"


FILTERS: dict[str, Callable[..., Any]] = {
    "ago": ago,
    "age": age,
    "moment": moment,
    "clock": clock,
    "count": count,
    "rate": rate,
    "spark": spark,
    "duration": duration,
    "milliseconds": milliseconds,
    "percent": percent,
    "version": version,
    "first_line": first_line,
    "branch": branch,
    "marked": marked,
    "host": host,
    "sentence": sentence,
    "advice": advice,
    "lines": lines,
    "amount": amount,
    "actor": actor,
    "plain": plain,
    "plural": plural,
    "size": amounts.size,
    "seconds": amounts.seconds,
}
