"""What a deployment's build printed, and what its replicas printed after that."""

from __future__ import annotations

from typing import Any

import click

from slipway.cli.invocation import Invocation, segment
from slipway.cli.output import echo, is_terminal, safe
from slipway.cli.streams.replica_output import Labels, parse_text
from slipway.core.text.rewritten_lines import as_seen


def show(call: Invocation, number: int, *, follow: bool) -> None:
    """The build log so far, or as it comes until it ends."""
    if not follow:
        text = call.client.text(f"/deployments/{number}/log", app=call.app_given)
        call.answer({"log": text}, _shown(text))
        return
    for event in call.client.events(f"/deployments/{number}/log", follow=1, app=call.app_given):
        if event.name != "line":
            continue
        if call.out.as_json:
            call.out.record({"line": event.data})
        else:
            echo(_shown(event.data))


def show_with_replicas(call: Invocation, number: int) -> None:
    """The build log, then the output of the replicas that the deployment's release ran as: also of those that never
    became ready."""
    deployment = call.client.get(f"/deployments/{number}", app=call.app_given)
    build = call.client.text(f"/deployments/{number}/log")
    app = f"/apps/{segment(deployment['app'])}"
    replicas: dict[str, str] = {}
    listed: list[dict[str, Any]] = []
    if deployment["release"]:
        for each in call.client.get(f"{app}/replicas", all=1)["replicas"]:
            if each["release"] == deployment["release"]["number"]:
                replicas[each["id"]] = call.client.text(f"{app}/logs", replica=each["id"], tail=1000)
                listed.append(each)
    if call.out.as_json:
        call.out.document({"log": build, "replicas": replicas})
        return
    call.out.line(_shown(build))
    labels = Labels(lambda: listed)
    for replica, text in replicas.items():
        call.out.line(click.style(f"replica {replica}", bold=True))
        lines = [labels.line(each) for each in parse_text(text)]
        call.out.line("\n".join(lines) or "(printed nothing)")


def _shown(text: str) -> str:
    text = text.rstrip("\n")
    return "\n".join(safe(as_seen(line)) for line in text.split("\n")) if is_terminal() else text
