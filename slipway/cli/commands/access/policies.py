"""access: who may use an app, and each of its paths."""

from __future__ import annotations

from typing import Any

import click

from slipway.cli.click_groups import noun
from slipway.cli.completion import complete_policy
from slipway.cli.invocation import Invocation, app_option, command, listing
from slipway.cli.numbers import TOKEN

_OTHERS = "(others)"
_path_option = click.option("--path", metavar="PATH", help="For this path and what is below it; else for all others.")


@noun(instead="slipway access set {}")
@app_option
@command
def access(call: Invocation) -> None:
    """Who may use the app, and each of its paths."""
    if listing():
        _show(call)


@access.command()
@app_option
@command
def show(call: Invocation) -> None:
    """The policies that are in force."""
    _show(call)


@access.command("set")
@click.argument("terms", nargs=-1, required=True, metavar="TERM…", shell_complete=complete_policy)
@_path_option
@app_option
@command
def set_(call: Invocation, terms: tuple[str, ...], path: str | None) -> None:
    """Set who may use the app, or a path of it: who meets one of the terms.

    \b
    slipway access set tenant
    slipway access set public --path /public/
    slipway access set role:owner group:/staff/ops --path /admin

    \b
    public             everybody
    signed-in          whoever signed in
    tenant             members of the app's tenant, and its tokens
    role:developer     its developers and owners; also role:viewer, role:owner
    group:/staff/ops   members of that group, and of groups below it
    token              the tenant's tokens and CI jobs, no browser
    nobody             nobody
    """
    _put(call, _own(call), path, list(terms))


@access.command()
@_path_option
@app_option
@command
def unset(call: Invocation, path: str | None) -> None:
    """Take a policy away: of a path, or of the app, which then has the platform's default."""
    own = _own(call)
    if path is not None and path not in {rule["path"] for rule in own["paths"]}:
        raise click.BadParameter(f"the app's settings have no policy for {path}; see: slipway access -a {call.app}")
    _put(call, own, path, None)


@access.command()
@click.argument("path", default="/")
@click.option("--as", "caller", metavar="WHO", help="anonymous, or somebody's login or e-mail address.")
@click.option("--group", "groups", multiple=True, metavar="GROUP", help="As somebody in this group; may be repeated.")
@click.option("--token", type=TOKEN, metavar="ID", help="As this token: slipway tokens.")
@app_option
@command
def test(call: Invocation, path: str, caller: str | None, groups: tuple[str, ...], token: int | None) -> None:
    """Whether somebody may see a path, and why. Without a name: who could see it.

    \b
    slipway access test /reports
    slipway access test /reports --as anonymous
    slipway access test /reports --as ada@example.org
    slipway access test /reports --group /tenants/acme/viewer
    """
    question: dict[str, Any] = {"path": path, "groups": list(groups)}
    question |= {"token": token} if token is not None else {}
    if caller is not None:
        question |= {"anonymous": True} if caller == "anonymous" else {"person": caller}
    answer = call.client.post(call.app_path("/access/test"), question)
    if call.out.as_json:
        call.out.document(answer)
    else:
        _print_answer(call, answer)


def _show(call: Invocation) -> None:
    shown = call.client.get(call.app_path("/access"))
    if call.out.as_json:
        call.out.document(shown)
        return
    rows = [(rule["path"], ", ".join(rule["allow"]), rule["who"]) for rule in shown["paths"]]
    rows.append((_OTHERS, ", ".join(shown["allow"]), shown["who"]))
    call.out.table(("path", "allow", "who may use it"), rows, empty="")
    if shown["fixed"]:
        call.out.hint(f"By the slipway.toml of what serves: {', '.join(shown['fixed'])}. Change that there.")
    _notices(call, shown)


def _own(call: Invocation) -> dict[str, Any]:
    own: dict[str, Any] = call.client.get(call.app_path("/access"))["own"]
    return own


def _put(call: Invocation, own: dict[str, Any], path: str | None, terms: list[str] | None) -> None:
    """The app's own policies with one of them changed; None takes it away."""
    if path is None:
        wanted = {**own, "allow": terms}
    else:
        changed = {rule["path"]: rule["allow"] for rule in own["paths"]} | {path: terms}
        wanted = {**own, "paths": [{"path": each, "allow": allow} for each, allow in changed.items() if allow]}
    shown = call.client.put(call.app_path("/access"), wanted)
    _notices(call, shown)
    call.answer(shown, f"In force within a second; see it: slipway access -a {call.app}")


def _print_answer(call: Invocation, answer: dict[str, Any]) -> None:
    if answer["ambiguous"]:
        call.out.hint(
            f"{answer['ambiguous']!r} can be read in more than one way: every policy of the app has to be met."
        )
    if answer["allowed"] is None:
        call.out.line(f"{answer['path']}: {answer['why']}")
    else:
        call.out.line(f"{'allowed' if answer['allowed'] else 'not allowed'}: {answer['why']}")
    if answer["people"] is not None:
        rows = [(each["login"], each["role"]) for each in answer["people"]]
        call.out.table(("person", "role"), rows, empty="None of the tenant's people.")
    _notices(call, answer)


def _notices(call: Invocation, answer: dict[str, Any]) -> None:
    for notice in answer["notices"]:
        call.out.hint(notice)
