"""certbot's accounts: `<config>/accounts/<the directory's host and path>/<id>/regr.json`."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import urlsplit


def account_uri(certbot_dir: Path, directory: str) -> str:
    """By which CAA records name our account at the authority (RFC 8657). Empty: there is none yet, or this process may
    not read it."""
    server = urlsplit(directory)
    place = f"{server.netloc}{server.path}"
    try:
        found = [json.loads(each.read_text()) for each in _registrations(certbot_dir / "config/accounts" / place)]
    except (OSError, ValueError):
        return ""
    return str(found[0].get("uri", "")) if len(found) == 1 and isinstance(found[0], dict) else ""


def _registrations(folder: Path) -> list[Path]:
    return list(folder.glob("*/regr.json"))
