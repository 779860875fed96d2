"""publishers: whose CI jobs may deploy an app without a stored secret."""

from __future__ import annotations

from typing import Any

import click

from slipway.cli.click_groups import noun
from slipway.cli.invocation import Invocation, app_option, command, listing
from slipway.cli.numbers import PUBLISHER
from slipway.cli.output import ago


@noun(instead="slipway publishers remove {}")
@app_option
@command
def publishers(call: Invocation) -> None:
    """Trusted publishers: CI jobs that may deploy the app."""
    if listing():
        _list(call)


@publishers.command("list")
@app_option
@command
def list_(call: Invocation) -> None:
    """Whom the app trusts."""
    _list(call)


@publishers.command()
@app_option
@click.option("--github", metavar="OWNER/NAME", help="Jobs of this repository at GitHub.")
@click.option("--gitlab", metavar="GROUP/PROJECT", help="Jobs of this project at GitLab.")
@click.option("--subject", metavar="SUB", help="Jobs of any other issuer, by the sub of their tokens.")
@click.option("--issuer", metavar="URL", help="Who signs the tokens; else github.com's or gitlab.com's.")
@click.option("--ref", metavar="REF", help="Only of this branch, or of refs/tags/NAME.")
@click.option("--protected", is_flag=True, help="Only of protected branches and tags (GitLab).")
@click.option("--environment", metavar="NAME", help="Only of jobs in this environment.")
@click.option("--workflow", metavar="FILE", help="Only of this file of .github/workflows (GitHub).")
@click.option("--id", "number", metavar="N", help="The number of repository or project; else that of the first job.")
@click.option("--owner-id", metavar="N", help="The number of its owner or group; else that of the first job.")
@command
def add(call: Invocation, **given: Any) -> None:
    """Trust the jobs of a repository.

    \b
    slipway publishers add -a shop --github octo/shop --ref main --workflow deploy.yml
    slipway publishers add -a shop --gitlab octo/shop --ref main --protected
    slipway publishers add -a shop --subject ORG:PIPELINE --issuer https://ci.example.org
    """
    added = call.client.post(call.app_path("/publishers"), _body(given))
    call.answer(added, f"{call.app} trusts {_who(added)}: it is publisher {added['id']}.")
    if not {"ref", "environment", "sub"} & added["constraints"].keys():
        call.out.hint("Jobs of every branch may deploy. To narrow it: --ref main, or --environment NAME.")


@publishers.command()
@click.argument("number", type=PUBLISHER)
@app_option
@command
def remove(call: Invocation, number: int) -> None:
    """Trust those jobs no longer; what they were given ends at once."""
    call.client.delete(call.app_path(f"/publishers/{number}"))
    call.answer({"id": number}, f"Publisher {number} is removed.")


_NAMES = {
    "github": {"github": "repository", "number": "repository_id", "owner_id": "repository_owner_id"},
    "gitlab": {"gitlab": "project_path", "number": "project_id", "owner_id": "namespace_id"},
    "subject": {"subject": "sub"},
}
"""What a kind's own options are called in tokens."""


def _body(given: dict[str, Any]) -> dict[str, Any]:
    kinds = [kind for kind in _NAMES if given[kind]]
    if len(kinds) != 1:
        raise click.UsageError("whose jobs? Give one of --github, --gitlab and --subject")
    kind = kinds[0]
    said = {"protected": "true"} if given["protected"] else {}
    said |= {name: value for name, value in given.items() if value and name not in ("issuer", "protected")}
    names = _NAMES[kind] | {"protected": "ref_protected"}
    return {
        "kind": {"subject": "oidc"}.get(kind, kind),
        "issuer": given["issuer"] or "",
        "constraints": {names.get(name, name): value for name, value in said.items()},
    }


def _list(call: Invocation) -> None:
    listed = call.client.get(call.app_path("/publishers"))
    if call.out.as_json:
        call.out.document(listed)
        return
    rows = [
        (str(each["id"]), _who(each), _pairs(each["pinned"]), ago(each["created_at"]), ago(each["used_at"]))
        for each in listed["publishers"]
    ]
    empty = f"None: slipway publishers add -a {call.app} --github OWNER/NAME --ref main"
    call.out.table(("id", "jobs of", "pinned", "made", "used"), rows, empty=empty)


def _who(publisher: dict[str, Any]) -> str:
    return f"{publisher['issuer']} {_pairs(publisher['constraints'])}"


def _pairs(values: dict[str, str]) -> str:
    return " ".join(f"{name}={value}" for name, value in values.items())
