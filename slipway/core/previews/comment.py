"""The comment on a pull request, in Markdown: one, which is edited when something changes."""

from __future__ import annotations

from dataclasses import dataclass

from slipway.core.previews.decide import PreviewState

MOST_DETAIL = 300
_SHORT = 7


@dataclass(frozen=True, slots=True)
class Said:
    """What a comment is about."""

    app: str
    number: int
    head: str
    state: PreviewState
    url: str
    serving: str
    """The commit that serves; empty: none does."""
    detail: str
    """Why it is waiting, or has failed."""


def mark(key: str) -> str:
    """Hidden in the comment, which is found by it. Nobody can know it before the comment is there."""
    return f"<!-- slipway preview {key} -->"


def text(said: Said, key: str) -> str:
    lines = [mark(key), f"**Preview of {_code(said.app)}** at {_code(said.head[:_SHORT])}: {_sentence(said)}"]
    if said.url and said.serving:
        older = said.serving != said.head
        lines += ["", f"{said.url}{f' (serves {_code(said.serving[:_SHORT])})' if older else ''}"]
    if said.detail:
        lines += ["", _code(said.detail)]
    return "\n".join(lines)


def _sentence(said: Said) -> str:
    if said.state is PreviewState.AWAITING_APPROVAL:
        command = f"slipway previews approve -a {said.app} {said.number} {said.head[:_SHORT]}"
        return f"it comes from a fork, and somebody has to approve this commit first: {_code(command)}"
    return _SENTENCES[said.state]


_SENTENCES = {
    PreviewState.WAITING: "it waits.",
    PreviewState.DEPLOYING: "it is being deployed.",
    PreviewState.LIVE: "it is live.",
    PreviewState.FAILED: "it could not be deployed.",
    PreviewState.EXPIRED: "it was removed, because nothing was pushed for so long. The next push makes it anew.",
    PreviewState.REMOVED: "somebody removed it. The next push makes it anew.",
    PreviewState.CLOSED: "it is removed.",
}


def _code(value: str) -> str:
    """Text of a repository's can neither mention people nor become a link."""
    first = next((line for line in value.replace("`", "'").splitlines() if line.strip()), "").strip()
    return f"`{first[:MOST_DETAIL]}`"
