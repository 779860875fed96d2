"""Where a new app comes from: the address of this folder's origin, and whether the platform can read it."""

from __future__ import annotations

from typing import Any

import click

from slipway.cli.exit_codes import ApiProblem
from slipway.cli.invocation import Invocation, segment
from slipway.core.naming.repository_address import holds_credential
from slipway.errors import InvalidInput, SlipwayError


def origin_to_take(call: Invocation) -> str:
    """The address of this folder's git remote `origin`, without a credential."""
    from slipway.cli.checkout.which_app import origin

    url = origin()
    if not url:
        raise click.UsageError("from which repository? --repository URL")
    return url if not holds_credential(url) else _without_credential(call, url)


def _without_credential(call: Invocation, url: str) -> str:
    """A web address is taken without the credential, which is neither sent nor kept."""
    scheme, separator, rest = url.partition("://")
    clean = f"{scheme}://{rest.rpartition('@')[2]}"
    if separator and scheme.lower() in ("http", "https") and not holds_credential(clean):
        call.out.hint(
            f"The address of this folder's origin holds a credential, which is not passed on: taking {clean}. If the "
            "repository can't be read without one: --credential-file FILE"
        )
        return clean
    raise click.UsageError(
        "the address of this folder's origin holds a credential: give it without, --repository URL, and the credential "
        "apart, --credential-file FILE"
    )


def why_unreadable(call: Invocation, app: dict[str, Any]) -> str:
    """Why the new app's branch can't be deployed, with what to do about it; empty when its repository answers, or when
    only the platform is to blame."""
    name = app["name"]
    try:
        head = call.client.get(f"/apps/{segment(name)}/head")
    except ApiProblem as error:
        if error.http_status != InvalidInput.status:
            return ""
        others = (
            f"a credential: slipway apps set -a {name} --credential-file FILE",
            f"another address: slipway apps set -a {name} repository=URL",
        )
        said = [error.message, *error.remedy.splitlines(), *others]
        return "\n".join(["Its repository was asked for, and can't be read:", *(f"  {line}" for line in said)])
    except SlipwayError:
        return ""
    if head["commit"]:
        return ""
    return f"Its repository has no branch {app['branch']} yet: push it, or: slipway apps set -a {name} branch=…"
