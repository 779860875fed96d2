"""What each host says of HTTPS, by what its app has chosen, and with regard to whose the names below it are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from slipway.core.app_settings.https import HttpsSettings
from slipway.core.certificates.index import HttpsOfHost

_PLATFORM = 0
"""In place of a tenant: of the console, the API and the webhooks."""


@dataclass(frozen=True, slots=True)
class HostOfApp:
    name: str
    tenant_id: int
    https: HttpsSettings


def policies(hosts: Sequence[HostOfApp], platform_hosts: Iterable[str]) -> dict[str, HttpsOfHost]:
    """By host. `includeSubDomains` is left out where a name below is another tenant's, or the platform's: browsers
    would keep to it there, too."""
    own = list(platform_hosts)
    below = _tenants_below(hosts, own) if any(each.https.hsts_subdomains for each in hosts) else {}
    of_apps = {each.name: _policy(each, below.get(each.name.removeprefix("*."), set())) for each in hosts}
    return of_apps | {name: HttpsOfHost() for name in own}


def _policy(host: HostOfApp, below: set[int]) -> HttpsOfHost:
    chosen = host.https
    subdomains = chosen.hsts_subdomains and below <= {host.tenant_id}
    return HttpsOfHost(
        https="redirect" if chosen.redirect else "both",
        hsts_s=chosen.hsts_s,
        hsts_subdomains=subdomains,
        hsts_preload=chosen.hsts_preload and subdomains,
    )


def _tenants_below(hosts: Iterable[HostOfApp], platform_hosts: Iterable[str]) -> Mapping[str, set[int]]:
    found: defaultdict[str, set[int]] = defaultdict(set)
    for each in hosts:
        for parent in _parents(each.name):
            found[parent].add(each.tenant_id)
    for name in platform_hosts:
        for parent in _parents(name):
            found[parent].add(_PLATFORM)
    return found


def _parents(host: str) -> Iterator[str]:
    """A wildcard is below the name that follows its `*.`."""
    rest = host.partition(".")[2]
    while rest:
        yield rest
        rest = rest.partition(".")[2]
