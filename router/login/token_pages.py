"""What people see who sign in with a token."""

from __future__ import annotations

from flask import Response
from markupsafe import Markup

from router import pages
from router.principal import Principal

_FORM = Markup(
    """<h1>Sign in with a token</h1>
<p>Sign-on is switched off on this host, so the console is for who has a token of the API.</p>
<form method="post" action="/auth/token" class="sign-in">
<input type="hidden" name="to" value="{target}">
<p><label for="token">Token</label><br>
<input id="token" name="token" type="password" required autocomplete="current-password" spellcheck="false"></p>
<p class="quiet">It begins with slw_. An owner of the tenant makes one: slipway tokens create</p>
<button class="button">Sign in</button>
</form>
<p class="quiet">Or let the command, which is signed in already, open the console:</p>
<pre tabindex="0"><code>slipway open --console</code></pre>"""
)
_OFFER = Markup(
    """<h1>Open the console</h1>
<p>This signs the browser in as the token <strong>{name}</strong> of the tenant <strong>{tenant}</strong>, with the role
<strong>{role}</strong>.</p>
<form method="post" action="/auth/console/{secret}"><button class="button">Sign in as {name}</button></form>
<p class="quiet">The link is good once. If you did not ask for it, close this page.</p>"""
)


def form(target: str) -> Response:
    return pages.page("Sign in", _FORM.format(target=target))


def offer(secret: str, who: Principal) -> Response:
    return pages.page("Open the console", _OFFER.format(secret=secret, name=who.name, tenant=who.tenant, role=who.role))
