"""Where the command talks to and as whom: the environment, else what `slipway login` kept."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

from slipway import settings
from slipway.cli.checkout import which_app
from slipway.cli.client import Client
from slipway.cli.exit_codes import HOW_TO_BEGIN
from slipway.cli.sign_in import job_identity, kept_login
from slipway.cli.sign_in.bearer import AccessTokens, FixedToken
from slipway.cli.sign_in.job_identity import JobEnvironment
from slipway.cli.sign_in.kept_login import NONE, KeptLogin
from slipway.cli.sign_in.renewing import RenewedTokens
from slipway.errors import NotAuthenticated, SettingsError

FROM_ENVIRONMENT = "SLIPWAY_TOKEN"


def signed_in(timeout_s: float = 30, app: str | None = None) -> Client:
    """The client for the API. SLIPWAY_URL, SLIPWAY_TOKEN and SLIPWAY_TENANT go before what was kept. Without a token a
    CI job has its own, for the app that is given, or that is found without asking."""
    environment, kept = settings.client(), kept_login.read()
    url = environment["url"] or kept.url
    if not url:
        raise NotAuthenticated("You are not signed in.", remedy=_how_to_sign_in())
    tenant = environment["tenant"]
    if environment["token"]:
        token = environment["token"]
        return Client(url, token, token_variable=FROM_ENVIRONMENT, tenant=tenant, timeout_s=timeout_s)
    if not kept.is_at(url):  # a token goes only to the address that it was made for
        kept = NONE
    job = JobEnvironment(environment["id_token"], environment["github_token_url"], environment["github_token_secret"])
    if job.id_token or (job.is_github and kept is NONE):
        return _of_job(job, url, tenant, app, timeout_s)
    return Client(url, _tokens(kept), tenant=tenant or kept.tenant, timeout_s=timeout_s)


def _of_job(job: JobEnvironment, url: str, tenant: str, app: str | None, timeout_s: float) -> Client:
    """Who asks for the exchange is nobody yet."""
    exchange = partial(Client(url, "", timeout_s=timeout_s).post, "/publish/token")
    named = which_app.named_here(app)
    return Client(url, job_identity.tokens(job, url, tenant, named, exchange), timeout_s=timeout_s)


def last_url() -> str:
    """The address of the last login, or SLIPWAY_URL; empty when there is neither."""
    return settings.client()["url"] or kept_login.read().url


def keep(login: KeptLogin) -> Path:
    """Remember it, readable by the user alone."""
    with kept_login.locked():
        return kept_login.write(login)


def keep_tenant(url: str, tenant: str) -> None:
    """In which tenant the person who is signed in there acts from now on."""
    with kept_login.locked():
        login = kept_login.read()
        if login.person and login.is_at(url):
            kept_login.write(replace(login, tenant=tenant))


def forget() -> KeptLogin | None:
    """Forget the login, and return it; None when there was none. One that can't be read goes, too."""
    path = kept_login.path()
    if not path.exists():
        return None
    with kept_login.locked():
        try:
            found = kept_login.read()
        except SettingsError:
            found = NONE
        path.unlink(missing_ok=True)
    return found


def _tokens(kept: KeptLogin) -> AccessTokens:
    return RenewedTokens(kept.url, kept.person) if kept.person else FixedToken(kept.token)


def _how_to_sign_in() -> str:
    """On the host itself its address is known, and the first token may still be to make."""
    from slipway.cli.this_host import address_here

    here = address_here()
    return f"slipway login {here}\n{HOW_TO_BEGIN}" if here else "slipway login https://slipway.example.org"
