"""Answers to tried requests: what is shown of one, and what of it is kept to be compared with another."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict

from router.usecases.trying.sending import Tried
from slipway.adapters.edge_client import Answer
from slipway.core.routing.compared_answers import KeptAnswer
from slipway.core.text.shown_body import shown_body

TEXT_MOST, HEADER_MOST, HEADERS_MOST = 20_000, 1_000, 16_000
"""Characters that are kept of a body, of the value of one header, and of all headers."""
_OURS = "slipway"
"""Is in the name of each cookie that the edge itself sets on an app's host."""
Headers = tuple[tuple[str, str], ...]


def shown_headers(answer: Answer) -> Headers:
    """A cookie that the edge begins a sign-in with is for a browser that comes by itself."""
    return tuple(_masked(*each) for each in answer.headers)


def to_keep(tried: Tried) -> KeptAnswer | None:
    """None: there was no single answer."""
    answer = tried.answer
    if answer is None:
        return None
    shown = shown_headers(answer)
    headers = _beginning(shown)
    body = shown_body(answer.body, answer.headers, is_cut=answer.is_cut)
    return KeptAnswer(
        url=tried.url,
        status=answer.status,
        reason=answer.reason[:HEADER_MOST],
        replica=answer.replica[:HEADER_MOST],
        app_s=answer.app_s,
        edge_s=answer.edge_s,
        first_byte_s=answer.first_byte_s,
        total_s=answer.total_s,
        headers=headers,
        are_headers_cut=headers != shown,
        size_bytes=len(answer.body),
        is_read_whole=not answer.is_cut,
        digest=hashlib.sha256(answer.body).hexdigest(),
        text=body.text[:TEXT_MOST],
        is_text=body.is_text,
        is_text_cut=body.is_cut or len(body.text) > TEXT_MOST,
    )


def written(answer: KeptAnswer) -> str:
    return json.dumps(asdict(answer), ensure_ascii=False)


def read(text: str) -> KeptAnswer:
    """What `written` wrote."""
    fields = json.loads(text)
    return KeptAnswer(**{**fields, "headers": tuple((name, value) for name, value in fields["headers"])})


def _masked(name: str, value: str) -> tuple[str, str]:
    is_ours = name.lower() == "set-cookie" and _OURS in value.partition("=")[0].lower()
    return name, f"{value.partition('=')[0]}=…" if is_ours else value


def _beginning(headers: Headers) -> Headers:
    kept: list[tuple[str, str]] = []
    left = HEADERS_MOST
    for name, value in headers:
        each = name[:HEADER_MOST], value[:HEADER_MOST]
        left -= len(each[0]) + len(each[1])
        if left < 0:
            break
        kept.append(each)
    return tuple(kept)
