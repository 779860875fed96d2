"""How hosts of apps are reached from outside."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit

from sqlalchemy import select
from sqlalchemy.orm import Session

from slipway.core.certificates.states import State
from slipway.models import Certificate, now
from slipway.settings import Settings, in_url


def addresses_of(session: Session, settings: Settings, hosts: Collection[str]) -> dict[str, str]:
    """By host. Where the edge serves HTTPS, a host with a certificate has an address of it, and one that waits for its
    certificate does not yet; else scheme and port are those of the platform's own address."""
    certified = _certified(session, hosts) if settings.https_listen else frozenset()
    return {host: _address(host, settings, host in certified) for host in hosts}


def _certified(session: Session, hosts: Collection[str]) -> frozenset[str]:
    """Those that the edge has a certificate for that has not run out."""
    served = select(Certificate.names_key).where(
        Certificate.names_key.in_(hosts), Certificate.state == str(State.ISSUED), Certificate.not_after > now()
    )
    return frozenset(session.scalars(served))


def _address(host: str, settings: Settings, is_certified: bool) -> str:
    if is_certified:
        return f"https://{host}{in_url('https', settings.https_listen)}/"
    if settings.https_listen:
        return f"http://{host}{in_url('http', settings.http_listen)}/"
    own = urlsplit(settings.public_url)
    port = f":{own.port}" if own.port else ""
    return f"{own.scheme}://{host}{port}/"
