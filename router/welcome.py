"""The first page of the console's host: what this is, and the first commands."""

from __future__ import annotations

import base64
import hashlib

from flask import Response
from markupsafe import escape

_STYLE = """
:root { color-scheme: light dark; }
body { font: 1rem/1.6 system-ui, sans-serif; max-width: 44rem; margin: 12vh auto; padding: 0 1.5rem; }
h1 { font-size: 1.75rem; margin: 0 0 .25rem; }
pre { padding: 1rem 1.25rem; border: 1px solid color-mix(in srgb, currentColor 20%, transparent); border-radius: .5rem;
      overflow-x: auto; font: .9rem/1.7 ui-monospace, monospace; }
a { color: inherit; }
"""
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Slipway</title>
<style>{style}</style>
</head>
<body>
<main>
<h1>Slipway</h1>
<p><code>git push</code>, and a minute later the new version is live on this host, with no request failed.</p>
<pre><code>slipway login {url}
slipway apps create hello --repository https://github.com/you/hello.git
slipway deploy -a hello --watch</code></pre>
<p>Everything the command does, the API does too: <a href="/api/openapi.json">its description</a>.</p>
</main>
</body>
</html>
"""
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY = f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


def page(public_url: str) -> Response:
    response = Response(_PAGE.format(style=_STYLE, url=escape(public_url)), content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
