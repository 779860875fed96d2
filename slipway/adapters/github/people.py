"""Which installations of the App somebody at GitHub administers: asked with their own token, which is kept nowhere.

https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-user-access-token-for-a-github-app
An installation's number in an address proves nothing: anybody can write another one there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from itertools import islice
from typing import Any
from urllib.parse import quote

from slipway.adapters.github.api import GitHubApi, post_form
from slipway.core.github.app_events import InstallationState
from slipway.core.github.registration import Registration
from slipway.errors import GitHubRefused, NotAllowed

PAGE = 100
MOST_PAGES = 10
MOST_ASKED = 50
"""Installations of one person that GitHub is asked about: each takes a call, while a browser waits."""


@dataclass(frozen=True, slots=True)
class Administered:
    """An installation whose account somebody administers."""

    id: int
    account: str
    selection: str
    state: InstallationState


def administered(registration: Registration, code: str) -> tuple[str, list[Administered]]:
    """The login of who got the `code` by signing in at GitHub, and the installations of their own account and of the
    organizations that they own.

    Raises:
        NotAllowed: the code is none, or was used.
        DependencyUnavailable, GitHubRefused: GitHub does not answer, or refuses.
    """
    api, token = GitHubApi(registration.api), _token(registration, code)
    login = _text(api.call("GET", "/user", token), "login")
    shown = islice(_installations(api, token, registration.app_id), MOST_ASKED)
    return login, [found for each in shown if (found := _administered(api, token, login, each))]


def _token(registration: Registration, code: str) -> str:
    answered = post_form(
        f"{registration.web_url}/login/oauth/access_token",
        {"client_id": registration.client_id, "client_secret": registration.client_secret, "code": code},
    )
    token = answered.get("access_token") if isinstance(answered, dict) else None
    if not isinstance(token, str) or not token:
        raise NotAllowed("GitHub does not know this sign-in (any more)", remedy="connect the installation again")
    return token


def _installations(api: GitHubApi, token: str, app_id: int) -> Iterator[Mapping[str, Any]]:
    for page in range(1, MOST_PAGES + 1):
        answered = api.call("GET", "/user/installations", token, per_page=PAGE, page=page)
        found = answered.get("installations", []) if isinstance(answered, dict) else []
        yield from (each for each in found if each.get("app_id") == app_id)
        if len(found) < PAGE:
            return


def _administered(api: GitHubApi, token: str, login: str, installation: Mapping[str, Any]) -> Administered | None:
    account = _text(installation.get("account"), "login")
    is_own = account.lower() == login.lower()
    if not is_own and not _owns(api, token, account):
        return None
    selection = installation.get("repository_selection")
    state = InstallationState.SUSPENDED if installation.get("suspended_at") else InstallationState.ACTIVE
    return Administered(int(installation["id"]), account, "selected" if selection == "selected" else "all", state)


def _owns(api: GitHubApi, token: str, organization: str) -> bool:
    try:
        found = api.call("GET", f"/user/memberships/orgs/{quote(organization, safe='')}", token)
    except GitHubRefused as error:
        if error.details.get("answered") in (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND):
            return False
        raise
    return isinstance(found, dict) and (found.get("role"), found.get("state")) == ("admin", "active")


def _text(value: Any, key: str) -> str:
    found = value.get(key) if isinstance(value, dict) else None
    if not isinstance(found, str) or not found:
        raise GitHubRefused("GitHub answers with something else than it should")
    return found
