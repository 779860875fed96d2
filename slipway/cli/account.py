"""Where the command talks to and as whom: the environment, else what `slipway login` kept."""

from __future__ import annotations

import json
import os
from pathlib import Path

from slipway import settings
from slipway.cli.client import Client
from slipway.errors import SettingsError


def signed_in() -> Client:
    """The client for the API. SLIPWAY_URL and SLIPWAY_TOKEN go before what was kept."""
    environment = settings.client()
    kept = _kept(Path(environment["config_dir"]))
    return Client(environment["url"] or kept.get("url", ""), environment["token"] or kept.get("token", ""))


def keep(url: str, token: str) -> Path:
    """Remember address and token, readable by the user alone."""
    folder = Path(settings.client()["config_dir"])
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path, aside = folder / "login.json", folder / ".login.json"
    aside.unlink(missing_ok=True)
    descriptor = os.open(aside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump({"url": url, "token": token}, file)
    aside.replace(path)
    return path


def forget() -> bool:
    """Forget the token; False when none was kept."""
    path = Path(settings.client()["config_dir"]) / "login.json"
    if not path.exists():
        return False
    path.unlink()
    return True


def _kept(folder: Path) -> dict[str, str]:
    try:
        values = json.loads((folder / "login.json").read_text())
    except FileNotFoundError:
        return {}
    except (OSError, json.JSONDecodeError) as error:
        raise SettingsError("the kept login can't be read", remedy="slipway login again") from error
    return {name: str(value) for name, value in values.items()}
