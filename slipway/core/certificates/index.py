"""What the edge reads: which certificates there are, in which folders, and which hosts send people to HTTPS."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

FILES = ("fullchain.pem", "key.pem")


@dataclass(frozen=True, slots=True)
class Served:
    """A certificate that is to be served, as the database knows it."""

    id: int
    names: tuple[str, ...]
    serial: str
    folder: str
    not_after: datetime


@dataclass(frozen=True, slots=True)
class HttpsOfHost:
    """`redirect`: HTTP leads to HTTPS. `both`: it does not."""

    https: str = "redirect"
    hsts_s: int | None = None
    """Of `Strict-Transport-Security`; None: it is not sent."""
    hsts_subdomains: bool = False
    hsts_preload: bool = False

    def row(self) -> dict[str, Any]:
        """What was not chosen is left out."""
        return {name: value for name, value in asdict(self).items() if value is not None and value is not False}


def folder_of(certificate_id: int, folder: str) -> str:
    """Below the folder of certificates. Another issue has another folder, so that no file is ever changed."""
    return f"{certificate_id}/{folder}"


def digest(fullchain: bytes, key: bytes) -> str:
    return hashlib.sha256(fullchain + key).hexdigest()


def content(
    served: Iterable[Served], digests: Mapping[int, str], hosts: Mapping[str, HttpsOfHost]
) -> dict[str, dict[str, Any]]:
    """The index without its version. A certificate without a digest has no files, and is left out."""
    present = [each for each in served if each.id in digests]
    named = {name for each in present for name in each.names}
    return {
        "certificates": {
            str(each.id): {
                "folder": folder_of(each.id, each.folder),
                "names": list(each.names),
                "serial": each.serial,
                "not_after": int(each.not_after.timestamp()),
                "sha256": digests[each.id],
            }
            for each in sorted(present, key=lambda each: each.id)
        },
        "hosts": {
            host: chosen.row()
            for host, chosen in sorted(hosts.items())
            if host in named or f"*.{host.partition('.')[2]}" in named
        },
    }
