"""What people see of an invitation. Nothing on these pages depends on whether the invited address has an account: who
made the invitation has the link, too."""

from __future__ import annotations

from flask import Response
from markupsafe import Markup

from router import pages
from slipway.core.access.roles import Role
from slipway.core.identity.claims import Person
from slipway.domain.accepting_invitations import Invited, NewAccount

_WHAT_ROLES_MAY = {
    Role.VIEWER: "sees its apps, and changes nothing",
    Role.DEVELOPER: "changes its apps and deploys",
    Role.OWNER: "may do everything in it, also invite others",
}
_OFFER = Markup(
    """<h1>{title}</h1>
<p><strong>{inviter}</strong> invites <strong>{email}</strong> to the tenant <strong>{tenant}</strong> as
<strong>{role}</strong>: who is {role} of a tenant {may}.</p>
{way}<p class="quiet">Good until {until}. Nothing happens before you accept.</p>"""
)
_SIGN_IN = Markup('<p><a class="button" href="{path}/sign-in">Sign in to accept</a></p>\n')
_NO_ACCOUNT = Markup(
    """<p>You have no account here?</p>
<form method="post" action="{path}/account"><button class="button second">Make an account</button></form>
"""
)
_ACCOUNT_MADE = Markup("<p>An account was made with this invitation: sign in with it.</p>\n")
_ACCEPT = Markup(
    """<p>You are signed in as <strong>{login}</strong>{known_as}.{warning}</p>
<form method="post" action="{path}/accept"><input type="hidden" name="as" value="{sub}">
<button class="button">Accept as {login}</button></form>
<form method="post" action="/auth/logout"><button class="button second">Sign out</button></form>
<p class="quiet">To accept as somebody else sign out, then open the link again.</p>
"""
)
_WARNING = Markup(" The invitation is for <strong>{email}</strong>, which is not the verified address of this account.")
_ACCEPTED = Markup(
    """<h1>You are in {tenant}</h1>
<p>You accepted the invitation as <strong>{login}</strong>, with the role <strong>{role}</strong>.</p>
<p><a class="button" href="/">To the start page</a></p>"""
)
_NEW_ACCOUNT = Markup(
    """<h1>Your account is made</h1>
<p>Sign in with this login and this first password. <strong>Both are shown this once.</strong> You choose a password of
your own then, and come back here to accept.</p>
<pre tabindex="0">login           {login}
first password  {password}</pre>
<p><a class="button" href="{path}/sign-in">Sign in</a></p>"""
)


def offer(invited: Invited, path: str, person: Person | None) -> Response:
    """To somebody who has not accepted yet; `person` is who they are signed in as."""
    title = f"You are invited to {invited.group.name}"
    content = _OFFER.format(
        title=title,
        inviter=_named(invited.row.inviter),
        email=invited.row.email,
        tenant=invited.group.name,
        role=invited.role,
        may=_WHAT_ROLES_MAY[invited.role],
        way=_for_anybody(invited, path) if person is None else _for_person(invited, path, person),
        until=f"{invited.row.expires_at:%-d %B %Y, %H:%M} UTC",
    )
    return pages.page(title, content)


def accepted(invited: Invited, person: Person) -> Response:
    content = _ACCEPTED.format(tenant=invited.group.name, login=person.login, role=invited.role)
    return pages.page("Invitation accepted", content)


def new_account(made: NewAccount, path: str) -> Response:
    content = _NEW_ACCOUNT.format(login=made.login, password=made.password, path=path)
    return pages.page("Your account is made", content)


def _for_anybody(invited: Invited, path: str) -> Markup:
    account = _NO_ACCOUNT.format(path=path) if invited.row.account_at is None else _ACCOUNT_MADE
    return _SIGN_IN.format(path=path) + account


def _for_person(invited: Invited, path: str, person: Person) -> Markup:
    is_meant = person.verified_email.lower() == invited.row.email
    return _ACCEPT.format(
        login=person.login,
        sub=person.sub,
        path=path,
        known_as=f" ({person.email})" if person.email else "",
        warning="" if is_meant else _WARNING.format(email=invited.row.email),
    )


def _named(actor: str) -> str:
    kind, _, name = actor.partition(":")
    return name if kind == "person" else f"The {kind} {name}"
