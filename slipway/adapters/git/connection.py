"""How git reaches one repository: only at addresses that were checked before.

git gets no configuration but ours, and no environment but the host's certificate authorities and proxies. It follows no
redirect, and makes no second connection: it uses no alternates that a server names, no bundles and no packs from other
servers. Submodules and large-file storage are left to Slipway, which checks each of their addresses (checkout.py).
"""

from __future__ import annotations

import base64
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from slipway.adapters.git import public_hosts
from slipway.core.naming import hosts
from slipway.core.naming.repository_address import RepositoryAddress
from slipway.errors import DeploymentFailed, InvalidInput
from slipway.ports.building import Stopped

CONNECT_TIMEOUT_S = 10
MOST_PINNED = 8
"""How many of a host's addresses git is given. All are checked, but thousands would not fit into the environment."""
SETTING = "SLIPWAY_GIT_HOSTS"
_ONE_CONNECTION = {
    "fetch.recurseSubmodules": "false",
    "submodule.recurse": "false",
    "http.followRedirects": "false",
    "http.lowSpeedLimit": "1000",
    "http.lowSpeedTime": "30",
    "transfer.bundleURI": "false",
    "promisor.acceptFromServer": "none",
    "protocol.allow": "never",
}
_ENVIRONMENT = {
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "",
    "SSH_ASKPASS": "",
    "GIT_LFS_SKIP_SMUDGE": "1",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
}
_SSH_OPTIONS = {
    "BatchMode": "yes",
    "ConnectTimeout": str(CONNECT_TIMEOUT_S),
    "ServerAliveInterval": "10",
    "StrictHostKeyChecking": "accept-new",
    "IdentitiesOnly": "yes",
    "IdentityAgent": "none",
    "ForwardAgent": "no",
    "ClearAllForwardings": "yes",
    "PermitLocalCommand": "no",
    "CanonicalizeHostname": "no",
    "ProxyCommand": "none",
    "ProxyJump": "none",
    "KnownHostsCommand": "none",
    "VerifyHostKeyDNS": "no",
    "ControlMaster": "no",
    "ControlPath": "none",
}


@dataclass(frozen=True, slots=True)
class Connection:
    """A connection to a repository. `pinned` are the checked addresses of its host, none when only a proxy can resolve
    it."""

    address: RepositoryAddress
    pinned: tuple[str, ...]
    proxies: Mapping[str, str]
    """Environment variables that name proxies and certificate authorities."""

    def environment(
        self,
        configuration: Mapping[str, str],
        credential: str | None,
        key_file: Path | None,
        known_hosts: Path,
        stopped: Stopped,
    ) -> dict[str, str]:
        """The whole environment of git: our configuration alone, no prompt, and the credential for this host only.

        Raises:
            Interrupted: `stopped` returned True while an address for ssh was looked for.
        """
        settings = {
            **configuration,
            **_ONE_CONNECTION,
            f"protocol.{self.address.scheme}.allow": "always",
            **(self._http(credential) if self.address.scheme != "ssh" else {}),
        }
        numbered = {"GIT_CONFIG_COUNT": str(len(settings))}
        for number, (name, value) in enumerate(settings.items()):
            numbered |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
        ssh = {}
        if self.address.scheme == "ssh":
            ssh["GIT_SSH_COMMAND"] = shlex.join(self._ssh(key_file, known_hosts, stopped))
        return {**self.proxies, **numbered, **_ENVIRONMENT, "GIT_ALLOW_PROTOCOL": self.address.scheme, **ssh}

    def _http(self, credential: str | None) -> dict[str, str]:
        settings = {}
        if not any(_is_proxy(name) for name in self.proxies):
            settings["http.proxy"] = ""
        if self.pinned and hosts.address_of(self.address.host) is None:
            addresses = ",".join(hosts.bracketed(each) for each in self.pinned)
            named = f"{hosts.bracketed(self.address.host)}:{self.address.connected_port}"
            settings["http.curloptResolve"] = f"{named}:{addresses}"
        if credential:
            header = f"Authorization: {basic_authorization(credential)}"
            settings[f"http.{self.address.scheme}://{self.address.netloc}/.extraHeader"] = header
        return settings

    def _ssh(self, key_file: Path | None, known_hosts: Path, stopped: Stopped) -> list[str]:
        """ssh stores the host's key under the host's name, as it would by itself, though it connects to an address."""
        port = self.address.connected_port
        options = {
            **_SSH_OPTIONS,
            "HostName": public_hosts.first_reachable(self.pinned, port, CONNECT_TIMEOUT_S, stopped),
            "HostKeyAlias": self._known_host,
            "UserKnownHostsFile": str(known_hosts),
            "IdentityFile": str(key_file) if key_file else "none",
        }
        return ["ssh", "-F", "none", *(part for name, value in options.items() for part in ("-o", f"{name}={value}"))]

    @property
    def _known_host(self) -> str:
        host, port = self.address.host, self.address.connected_port
        return host if port == 22 else f"[{host}]:{port}"


def basic_authorization(credential: str) -> str:
    """The header's value for a token, or for `user:password`."""
    pair = credential if ":" in credential else f"x-access-token:{credential}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


def connection(address: RepositoryAddress, listed: tuple[str, ...], outbound: Mapping[str, str]) -> Connection:
    """Resolve the host, once for all that is fetched over the connection.

    Raises:
        DeploymentFailed: its name does not resolve, or to an address inside this host or network that is not allowed.
    """
    try:
        return Connection(address, tuple(_addresses(address, listed)[:MOST_PINNED]), outbound)
    except public_hosts.Unresolved as error:
        if address.scheme == "ssh" or not _has_proxy(address.scheme, outbound):
            raise DeploymentFailed("clone-refused", error.message, remedy=error.remedy) from None
        return Connection(address, (), {name: value for name, value in outbound.items() if name.upper() != "NO_PROXY"})
    except InvalidInput as error:
        raise DeploymentFailed("clone-refused", error.message, remedy=error.remedy) from None


def _addresses(address: RepositoryAddress, listed: tuple[str, ...]) -> list[str]:
    if address.is_listed(listed):
        return public_hosts.addresses(address.host)
    return public_hosts.public_addresses(address.host, address.netloc, listed, SETTING)


def _has_proxy(scheme: str, outbound: Mapping[str, str]) -> bool:
    """Will git use a proxy? These are the variables that it reads for the scheme."""
    return any(outbound.get(name) for name in (f"{scheme}_proxy", "HTTPS_PROXY" * (scheme == "https"), *_FOR_ALL))


_FOR_ALL = ("all_proxy", "ALL_PROXY")


def _is_proxy(name: str) -> bool:
    return name.upper().endswith("_PROXY") and name.upper() != "NO_PROXY"
