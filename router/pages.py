"""The shell of every page that the router writes: one style, and a policy under which a browser runs and loads nothing
else. What is put into a page is escaped by `Markup`."""

from __future__ import annotations

import base64
import hashlib

from flask import Response
from markupsafe import Markup

_STYLE = Markup(
    """
:root { color-scheme: light dark; --text: #1b1f24; --ground: #ffffff; --quiet: #57606a; --line: #d0d7de;
        --accent: #0b62c4; --on-accent: #ffffff; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e6e9ed; --ground: #0f1317; --quiet: #a3acb7; --line: #353d47; --accent: #7db5ff;
          --on-accent: #0b1520; }
}
body { font: 1rem/1.6 system-ui, sans-serif; max-width: 44rem; margin: 12vh auto; padding: 0 1.5rem;
       color: var(--text); background: var(--ground); }
h1 { font-size: 1.75rem; line-height: 1.25; margin: 0 0 .25rem; }
pre { padding: 1rem 1.25rem; border: 1px solid var(--line); border-radius: .5rem;
      overflow-x: auto; font: .9rem/1.7 ui-monospace, monospace; }
a { color: inherit; }
form { display: inline; }
label { font-weight: 600; }
input { font: inherit; width: 100%; box-sizing: border-box; padding: .4rem .6rem; border: 1px solid var(--quiet);
        border-radius: .4rem; color: inherit; background: var(--ground); }
.quiet { color: var(--quiet); overflow-wrap: anywhere; }
.button { display: inline-block; font: inherit; font-weight: 600; padding: .5rem 1.1rem; border-radius: .4rem;
          border: 1px solid var(--accent); background: var(--accent); color: var(--on-accent); cursor: pointer;
          text-decoration: none; }
.button.second { background: none; color: var(--accent); }
"""
)
_PAGE = Markup(
    """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
{refresh}<title>{title}</title>
<style>{style}</style>
</head>
<body>
<main>
{content}
</main>
</body>
</html>
"""
)
_REFRESH = Markup('<meta http-equiv="refresh" content="0;url={url}">\n')
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY = f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"


def page(title: str, content: Markup, status: int = 200, *, goes_on_to: str = "") -> Response:
    """`goes_on_to` is a URL that the browser opens at once. A form may lead to this host alone, redirects included: so
    a form's answer that leads elsewhere is a page that goes on there."""
    refresh = _REFRESH.format(url=goes_on_to) if goes_on_to else ""
    text = _PAGE.format(title=title, style=_STYLE, content=content, refresh=refresh)
    response = Response(text, status, content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["Referrer-Policy"] = "same-origin"  # with no-referrer a form would come from the origin null
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
