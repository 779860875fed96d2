"""The first page of the console's host: what this is, who is signed in, and the first commands."""

from __future__ import annotations

from flask import Response
from markupsafe import Markup

from router import pages
from slipway.core.identity.claims import Person

_CONTENT = Markup(
    """<h1>Slipway</h1>
{signed_in}
<p><code>git push</code>, and a minute later the new version is live on this host, with no request failed.</p>
<pre><code>slipway login {url}
slipway apps create hello --repository https://github.com/you/hello.git
slipway deploy -a hello --watch</code></pre>
<p>Everything the command does, the API does too: <a href="/api/openapi.json">its description</a>.</p>"""
)
_SIGN_IN = Markup('<p><a class="button" href="/auth/login">Sign in</a></p>\n')
_SIGNED_IN = Markup(
    """<p>Signed in as <strong>{login}</strong>.</p>
<form method="post" action="/auth/logout"><button class="button second">Sign out</button></form>
"""
)


def page(public_url: str, *, sign_on: bool = False, person: Person | None = None) -> Response:
    """`person` is who is signed in; None: nobody, or it can't be seen now."""
    signed_in: str | Markup = ""
    if sign_on:
        signed_in = _SIGN_IN if person is None else _SIGNED_IN.format(login=person.login)
    return pages.page("Slipway", _CONTENT.format(url=public_url, signed_in=signed_in))
