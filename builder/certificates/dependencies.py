"""What a job of certificates depends on, made after the fork, for each job."""

from __future__ import annotations

import functools
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from slipway.adapters.certbot.certbot import Certbot
from slipway.adapters.certificate_files import CertificateFiles
from slipway.adapters.vault import CERTIFICATES, Vault
from slipway.db import Database
from slipway.domain.preflight import Preflight
from slipway.ports.authority import Authority
from slipway.settings import Settings


@dataclass(frozen=True, slots=True)
class Dependencies:
    settings: Settings
    db: Database
    authority: Authority
    files: CertificateFiles
    preflight: Preflight
    vault: Callable[[], Vault]
    """Opens own certificates. Made when there is one: an authority's need no key file."""
    chance: Callable[[], float] = field(default=random.random)
    """From 0 to 1."""


@contextmanager
def connected(chosen: Settings) -> Iterator[Dependencies]:
    db = Database(chosen.database_url)
    files = CertificateFiles(chosen.certificate_dir)
    vault = functools.partial(Vault, chosen.key_dir / CERTIFICATES)
    try:
        yield Dependencies(chosen, db, Certbot.from_settings(chosen), files, Preflight.from_settings(chosen), vault)
    finally:
        db.dispose()
