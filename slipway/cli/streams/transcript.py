"""A deployment in words: heading, a line a step, and how it ended. Pure: from the API's documents to text."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click

from slipway.cli.output import ago, one_line, release_of, safe, state, version
from slipway.core.deployment.ordering import CHANGES_NOTHING, SKIP_ASKED
from slipway.core.deployment.states import ENDED, UNFINISHED, State
from slipway.core.text.amounts import seconds

Deployment = dict[str, Any]
Step = dict[str, Any]

_DONE = {
    "push": "pushed",
    "manual": "asked for",
    "rebuild": "rebuild asked for",
    "rollback": "rollback asked for",
    "configuration": "configuration changed",
    "promotion": "promoted",
}
_MARKS = {True: ("✔", "green"), False: ("✘", "red"), None: ("…", "cyan")}

_SENTENCE = 160
"""How much of a failure's sentence is shown where the command for all of it follows."""
_PRINTED_BY = {"fetch": "the fetch", "build": "the build"}
"""Step that failed → whose lines the deployment kept."""


def heading(deployment: Deployment, at: datetime | None = None) -> str:
    """`shop  9f3c1e2 "Fix the cart total"   pushed 12 s ago by …`."""
    ref = deployment["ref"].removeprefix("refs/heads/")
    words = [click.style(deployment["app"], bold=True), version(deployment) or ref]
    subject = safe(deployment["message"].partition("\n")[0])
    if subject and subject not in words:  # of an image that was not found its name is all there is
        words.append(f'"{subject}"')
    asked = f"{_DONE[deployment['kind']]} {ago(deployment['created_at'], at)}"
    by = _who(deployment)
    return f"{'  '.join(words[:2])} {' '.join(words[2:])}".rstrip() + f"   {asked}" + (f" by {by}" if by else "")


def step_line(step: Step) -> str:
    """`  ✔ build     11.8 s   7 of 9 steps from cache`."""
    mark, colour = _MARKS[step["ok"]]
    note = safe(step["note"])
    return f"  {click.style(mark, fg=colour)} {step['name']:<10}{seconds(step['seconds']):>8}   {note}".rstrip()


def notice_line(notice: str) -> str:
    """`  ! Volume data (/data) is shared: …`."""
    return f"  {click.style('!', fg='yellow')} {safe(notice)}"


def outcome(deployment: Deployment, url: str = "", *, stopped: bool = False) -> str:
    """How the deployment ended, what that means, and what to do next. `stopped`: its app is scaled to 0."""
    if State(deployment["state"]) in (State.LIVE, State.RETIRED):
        return _success(deployment, url, stopped=stopped)
    failed = State(deployment["state"]) is State.FAILED
    word = "Error" if failed else "Ended"
    code = deployment["reason"] or deployment["state"]
    last = click.style(f"{word} {code} · deployment {deployment['id']}", fg="red" if failed else "yellow")
    return "\n".join([*_tail(deployment), *_meaning(deployment), last])


def whole(deployment: Deployment, url: str = "", *, stopped: bool = False) -> list[str]:
    """All of it, as watching leaves it on the screen."""
    lines = [heading(deployment), *map(step_line, deployment["steps"]), *map(notice_line, deployment["notices"])]
    if deployment["digest"]:
        lines.insert(1, f"  image {deployment['digest']}")
    ended = State(deployment["state"]) in ENDED
    return [*lines, outcome(deployment, url, stopped=stopped) if ended else state(deployment["state"])]


def why_never_live(app: dict[str, Any]) -> str:
    """Why an app was never live, by its latest deployment, and the command that says more or deploys it."""
    latest, by_hand = app["latest"], f"slipway deploy -a {app['name']}"
    if latest and latest["state"] == State.FAILED:
        why = f"{latest['reason']}: {one_line(latest['detail'], _SENTENCE).rstrip('.')}"
        return f"deployment {latest['id']} failed ({why}): slipway deployments show {latest['id']}"
    if latest and State(latest["state"]) in UNFINISHED:
        return f"deployment {latest['id']} is {latest['state']}: slipway deployments show {latest['id']} --watch"
    return by_hand if app["image"] else f"git push, or {by_hand}"


def went_well(deployment: Deployment) -> bool:
    """Does what was asked for hold: does it serve, did it serve, or was it skipped because it is live already, all of
    it or as far as the app is made of it, or because its commit's message asks for that?"""
    if State(deployment["state"]) is State.SKIPPED:
        return serves_already(deployment) or deployment["reason"] in (CHANGES_NOTHING, SKIP_ASKED)
    return State(deployment["state"]) in (State.LIVE, State.RETIRED)


def serves_already(deployment: Deployment) -> bool:
    """Was the commit, or the image, live when the document was made?"""
    return serving(deployment) == (deployment["commit"], deployment["digest"])


def serving(deployment: Deployment) -> tuple[str, str] | None:
    """Commit and digest of what was live when the document was made."""
    live = deployment["serving"]
    return (live["commit"], live["digest"]) if live else None


def is_watched(deployment: Deployment) -> bool:
    """Is it live and still watched? It gives way to the release before when its replicas fail."""
    under_watch = any(step["name"] == "watch" and not step["ended_at"] for step in deployment["steps"])
    return deployment["state"] == State.LIVE and under_watch


def is_over(deployment: Deployment) -> bool:
    """Will nothing more happen to it? One that is live still drains what it replaced."""
    if State(deployment["state"]) not in ENDED:
        return False
    return deployment["state"] != State.LIVE or all(step["ended_at"] for step in deployment["steps"])


def _who(deployment: Deployment) -> str:
    by = deployment["pushed_by"] if deployment["kind"] == "push" else ""
    kind, colon, name = deployment["actor"].partition(":")
    return safe(by or (name if colon and kind == "token" else ""))


def _success(deployment: Deployment, url: str, *, stopped: bool) -> str:
    live = deployment["state"] == State.LIVE
    stopped = stopped and live
    words = [state("released" if stopped else deployment["state"])]
    if deployment["release"]:
        words.append(f"v{deployment['release']['number']}")
    if stopped:
        words.append(f"scaled to 0: slipway scale 1 -a {deployment['app']}")
    elif live and url:
        words.append(click.style(url, bold=True))
    line = "  ".join(words)
    if deployment["live_at"]:
        took = _between(deployment["created_at"], deployment["live_at"])
        line += f"   {took} from push" if deployment["kind"] == "push" else f"   after {took}"
    previous = deployment["previous"]
    if live and previous:
        line += f"   previous: {release_of(previous)} (slipway rollback -a {deployment['app']})"
    return line


def _tail(deployment: Deployment) -> list[str]:
    lines = [safe(line) for line in deployment["tail"].split("\n")] if deployment["tail"] else []
    if not lines:
        return []
    whose = _PRINTED_BY.get(_failed_step(deployment).get("name", ""), "the replica")
    return ["", click.style(f"  last lines of {whose}", dim=True), *(f"  {line}" for line in lines), ""]


def _meaning(deployment: Deployment) -> list[str]:
    """What it means, and the next commands, one below the other. What the step's own line said is not said again."""
    detail, note = deployment["detail"], deployment["steps"][-1]["note"] if deployment["steps"] else ""
    if note and detail.startswith(note):
        detail = detail[len(note) :].lstrip(". ")
    sentences = [f"{safe(detail).rstrip('.')}."] if detail else []
    if deployment["meaning"]:
        sentences.append(safe(deployment["meaning"]))
    remedies = [line for line in safe(deployment["remedy"]).splitlines() if line.strip()]
    if remedies and State(deployment["state"]) is not State.SKIPPED:
        sentences.append("What to do:")
    return ([" ".join(sentences)] if sentences else []) + _columns(remedies)


def _columns(remedies: list[str]) -> list[str]:
    """`sentence: slipway …` with the commands below each other."""
    parts = [line.partition(": slipway ") for line in remedies]
    width = max((len(sentence) for sentence, found, _ in parts if found), default=0) + 1
    return [f"  {f'{head}:':<{width}} slipway {rest}" if found else f"  {head}" for head, found, rest in parts]


def _failed_step(deployment: Deployment) -> Step:
    last: Step = deployment["steps"][-1] if deployment["steps"] else {}
    return last if last.get("ok") is False else {}


def _between(started: str, ended: str) -> str:
    return seconds((datetime.fromisoformat(ended) - datetime.fromisoformat(started)).total_seconds())
