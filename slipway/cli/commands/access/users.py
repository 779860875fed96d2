"""users: the tenant's people, and people who come from elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from slipway.cli import this_host
from slipway.cli.click_groups import noun
from slipway.cli.exit_codes import Exit
from slipway.cli.invocation import Invocation, command, listing, segment
from slipway.cli.numbers import INVITATION
from slipway.cli.output import ago, is_terminal, one_line
from slipway.core.text.counting import plural

if TYPE_CHECKING:
    from slipway.cli.commands.access.people_import import ImportRun, Send

_ROLE = click.Choice(["owner", "developer", "viewer"])
_SHOWN_MOST = 50


@noun(instead="slipway users show {}")
@command
def users(call: Invocation) -> None:
    """The people with a role in your tenant."""
    if not listing():
        return
    listed = call.client.get("/users")
    if call.out.as_json:
        call.out.document(listed)
        return
    rows = [
        (each["login"], each["role"], one_line(each["name"]), each["email"], "" if each["enabled"] else "disabled")
        for each in listed["users"]
    ]
    headings = ("login", "role", "name", "email", "")
    call.out.table(headings, rows, empty="None: slipway users invite ADDRESS --role developer")


@users.command()
@click.argument("login")
@command
def show(call: Invocation, login: str) -> None:
    """One of your tenant's people: groups, last use, sessions, who invited them."""
    found = call.client.get(f"/users/{segment(login)}")
    if call.out.as_json:
        call.out.document(found)
        return
    joined = f", accepted {ago(found['joined_at'])}" if found["joined_at"] else ""
    facts = (
        ("login", found["login"]),
        ("name", found["name"]),
        ("email", found["email"]),
        ("role", found["role"] if found["enabled"] else f"{found['role']}, but the account is disabled"),
        ("groups", ", ".join(found["groups"])),
        ("last seen", ago(found["seen_at"])),
        ("sessions", str(found["sessions"])),
        (
            "invited by",
            f"{found['invited_by']}{joined}" if found["invited_by"] else "nobody: an administrator added them",
        ),
    )
    for name, value in facts:
        call.out.line(f"{name:<12}{one_line(value, 200)}".rstrip())


@users.command()
@click.argument("address")
@click.option("--role", type=_ROLE, required=True, help="What they may do.")
@command
def invite(call: Invocation, address: str, role: str) -> None:
    """Invite somebody to your tenant: prints the link, which you hand over.

    The link is good once, for seven days. Nothing is sent to the address, and nobody is asked whether it is known.
    """
    made = call.client.post("/invitations", {"email": address, "role": role})
    call.answer(made, made["url"])
    call.out.hint(f"It is shown this once: hand it to {made['email']}. Whoever opens it may accept as {role}.")
    call.out.hint(f"Take it back with: slipway users revoke {made['id']}")


@users.command()
@command
def invitations(call: Invocation) -> None:
    """The invitations to your tenant, also those that are over."""
    listed = call.client.get("/invitations")
    if call.out.as_json:
        call.out.document(listed)
        return
    rows = [
        (
            str(each["id"]),
            each["email"],
            each["role"],
            _state(each),
            each["invited_by"],
            ago(each["created_at"]),
            ago(each["expires_at"]),
        )
        for each in listed["invitations"]
    ]
    headings = ("id", "email", "role", "state", "invited by", "made", "expires")
    call.out.table(headings, rows, empty="None: slipway users invite ADDRESS --role developer")


@users.command()
@click.argument("number", type=INVITATION)
@command
def revoke(call: Invocation, number: int) -> None:
    """Take back an invitation that nobody has accepted."""
    call.client.delete(f"/invitations/{number}")
    call.answer({"id": number}, f"The invitation {number} is revoked.")


@users.command()
@click.argument("login")
@click.option("--role", type=_ROLE, required=True, help="What they may do.")
@click.option("--tenant", metavar="NAME", help="In which tenant; else in yours.")
@command
def add(call: Invocation, login: str, role: str, tenant: str | None) -> None:
    """Give somebody whom Keycloak knows a role, as an administrator.

    For people with the role platform-admin, and with --tenant for root on Slipway's host. Owners invite people.
    """
    if tenant and this_host.may_act_here():
        made = this_host.add_person(tenant, login, role)
    else:
        made = call.client.post("/users", {"login": login, "role": role} | ({"tenant": tenant} if tenant else {}))
    call.answer(made, f"{made['login']} has the role {made['role']} now.")


@users.command("role")
@click.argument("login")
@click.argument("role", type=_ROLE)
@command
def change_role(call: Invocation, login: str, role: str) -> None:
    """Give a person another role, at once."""
    changed = call.client.patch(f"/users/{segment(login)}", {"role": role})
    call.answer(changed, f"{changed['login']} has the role {changed['role']} now.")


@users.command()
@click.argument("login")
@command
def remove(call: Invocation, login: str) -> None:
    """Take a person's role in your tenant from them, at once. Keycloak goes on to know them."""
    call.client.delete(f"/users/{segment(login)}")
    call.answer({"login": login}, f"{login} has no role any more.")


@users.command("sign-out")
@click.argument("login")
@command
def sign_out(call: Invocation, login: str) -> None:
    """End all sessions of one of your tenant's people, at once. They can sign in again."""
    call.client.delete(f"/users/{segment(login)}/sessions")
    call.answer({"login": login}, f"{login} is signed out everywhere.")


@users.command("import")
@click.argument("file", type=click.File("rb"))
@click.option("--dry-run", is_flag=True, help="Only show what would happen.")
@click.option(
    "--report", type=click.Path(dir_okay=False, writable=True), help="Write each line's outcome there (JSON)."
)
@command
def import_people(call: Invocation, file: Any, dry_run: bool, report: str | None) -> None:
    """Bring people into Keycloak, with the password hashes that they have elsewhere.

    FILE is CSV or a JSON object on each line (docs/guide/users.md); - reads it from standard input. It can be run again
    at any time: nobody who is there is changed. As root on Slipway's host it needs no login, elsewhere the role
    platform-admin.
    """
    from slipway.cli.commands.access.people_import import ImportRun, write_report

    send = this_host.import_people if this_host.may_act_here() else _by_api(call)
    run = ImportRun(send, dry_run=dry_run)
    try:
        run.do(file.read(), progress=call.out.hint if is_terminal() else None)
    finally:
        if report:
            write_report(report, run)
    _show(call, run)
    if run.failed:
        raise SystemExit(int(Exit.FAILED))


def _state(invitation: dict[str, Any]) -> str:
    by = f" by {invitation['accepted_by']}" if invitation["accepted_by"] else ""
    return f"{invitation['state']}{by}"


def _by_api(call: Invocation) -> Send:
    def send(batch: list[dict[str, Any]], *, dry_run: bool) -> list[dict[str, Any]]:
        answer = call.client.post("/users/import", {"lines": batch, "dry_run": dry_run})
        return list(answer["lines"])

    return send


def _show(call: Invocation, run: ImportRun) -> None:
    if call.out.as_json:
        call.out.document(run.document())
        return
    for each in run.failed[:_SHOWN_MOST]:
        who = f" ({one_line(each['login'])})" if each["login"] else ""
        call.out.line(f"▲ line {each['number']}{who}: {one_line(each['detail'], 200)}")
    if len(run.failed) > _SHOWN_MOST:
        call.out.line(f"▲ … and {plural(len(run.failed) - _SHOWN_MOST, 'line')} more: --report FILE has them all")
    counts = run.counts
    call.out.line(
        f"{plural(len(run.lines), 'line')}: {counts['created']} {'would be created' if run.dry_run else 'created'}, "
        f"{counts['present']} there already, {counts['conflict']} in conflict, {counts['refused']} refused."
    )
