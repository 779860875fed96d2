"""Where the command talks to and as whom: the environment, else what `slipway login` kept."""

from __future__ import annotations

import json
import os
from pathlib import Path

from slipway import settings
from slipway.cli.client import Client
from slipway.cli.exit_codes import HOW_TO_BEGIN
from slipway.errors import NotAuthenticated, SettingsError
from slipway.host.invoking_user import LOGIN_FILE

FROM_ENVIRONMENT = "SLIPWAY_TOKEN"


def signed_in(timeout_s: float = 30) -> Client:
    """The client for the API. SLIPWAY_URL and SLIPWAY_TOKEN go before what was kept."""
    environment, kept = settings.client(), _kept()
    url = environment["url"] or kept.get("url", "")
    if not url:
        raise NotAuthenticated("You are not signed in.", remedy=_how_to_sign_in())
    if environment["token"]:
        return Client(url, environment["token"], token_variable=FROM_ENVIRONMENT, timeout_s=timeout_s)
    return Client(url, _kept_token(kept, url), timeout_s=timeout_s)


def last_url() -> str:
    """The address of the last login, or SLIPWAY_URL; empty when there is neither."""
    return settings.client()["url"] or _kept().get("url", "")


def keep(url: str, token: str) -> Path:
    """Remember address and token, readable by the user alone."""
    path = _path()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    aside = path.with_name(".login.json")
    aside.unlink(missing_ok=True)
    descriptor = os.open(aside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump({"url": url, "token": token}, file)
    aside.replace(path)
    return path


def forget() -> bool:
    """Forget the token; False when none was kept."""
    path = _path()
    if not path.exists():
        return False
    path.unlink()
    return True


def _how_to_sign_in() -> str:
    """On the host itself its address is known, and the first token may still be to make."""
    from slipway.cli.this_host import address_here

    here = address_here()
    return f"slipway login {here}\n{HOW_TO_BEGIN}" if here else "slipway login https://slipway.example.org"


def _path() -> Path:
    return Path(settings.client()["config_dir"]) / LOGIN_FILE


def _kept() -> dict[str, str]:
    try:
        values = json.loads(_path().read_text())
        return {name: str(values[name]) for name in ("url", "token")}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SettingsError("the kept login can't be read", remedy="slipway login again") from error


def _kept_token(kept: dict[str, str], url: str) -> str:
    """Refuses to send a token to another address than the one that it was made for."""
    same = url.rstrip("/") == kept.get("url", "").rstrip("/")
    return kept.get("token", "") if same else ""
