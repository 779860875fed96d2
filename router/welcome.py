"""The first page of the console's host: for who is not signed in: what this is, and the first commands."""

from __future__ import annotations

from flask import Response
from markupsafe import Markup

from router import pages

_CONTENT = Markup(
    """<h1>Slipway</h1>
{signed_in}
<p><code>git push</code>, and a minute later the new version is live on this host, with no request failed.</p>
<pre tabindex="0"><code>slipway login {url}
slipway apps create hello --repository https://github.com/you/hello.git
slipway deploy -a hello --watch</code></pre>
<p>Everything the command does, the API does too: <a href="/api/openapi.json">its description</a>.</p>"""
)
_SIGN_IN = Markup('<p><a class="button" href="{path}">Sign in</a></p>\n')


def page(public_url: str, *, sign_on: bool = False) -> Response:
    signed_in = _SIGN_IN.format(path="/auth/login" if sign_on else "/auth/token")
    return pages.page("Slipway", _CONTENT.format(url=public_url, signed_in=signed_in))
