"""A body that an app answered with, as text that people can read. It is never more than text."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

SHOWN_MOST = 100_000
"""Characters."""
_TEXTS = ("text/", "application/json", "application/xml", "application/javascript", "application/x-ndjson", "image/svg")
_STRUCTURED = ("+json", "+xml")


@dataclass(frozen=True, slots=True)
class ShownBody:
    text: str
    """Empty: there is none, or it is no text."""
    is_text: bool
    is_cut: bool


def shown_body(body: bytes, headers: Iterable[tuple[str, str]], *, is_cut: bool) -> ShownBody:
    """JSON is laid out; what is compressed or no text is not shown."""
    said = {name.lower(): value.strip().lower() for name, value in headers}
    kind = said.get("content-type", "text/plain").partition(";")[0].strip()
    if said.get("content-encoding", "identity") != "identity" or not _is_text(kind, body):
        return ShownBody("", is_text=not body, is_cut=is_cut)
    text = _laid_out(body, kind) if not is_cut else None
    text = text if text is not None else body.decode(errors="replace")
    return ShownBody(text[:SHOWN_MOST], is_text=True, is_cut=is_cut or len(text) > SHOWN_MOST)


def _is_text(kind: str, body: bytes) -> bool:
    return (kind.startswith(_TEXTS) or kind.endswith(_STRUCTURED)) and b"\0" not in body


def _laid_out(body: bytes, kind: str) -> str | None:
    """None: it is no JSON, whatever it says."""
    if not (kind == "application/json" or kind.endswith("+json")):
        return None
    try:
        laid_out = json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return None
    return laid_out.encode(errors="replace").decode()  # half of a surrogate pair can be written in JSON, not in UTF-8
