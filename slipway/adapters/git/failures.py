"""Why git could not fetch a repository, in sentences of our own.

git repeats what a server sent: the text of an error page, the first bytes of something that is no git server, a banner.
None of it is shown to the user who gave the address. The output of git is in the service's own log.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import StrEnum

from slipway.core.build import git_version
from slipway.errors import DeploymentFailed

_AGAIN = "try again: slipway deploy"
_ADDRESS_IS_WRONG = "if the address is wrong: slipway apps set repository=https://host/owner/name.git"
_GIVE_CREDENTIAL = (
    f"{_ADDRESS_IS_WRONG}\n"
    "if it is private, give a token or a deploy key that may read it: slipway apps set --credential-file FILE"
)
_GIVE_ANOTHER = "give one that may read this repository: slipway apps set --credential-file FILE"


class Credential(StrEnum):
    """What was shown to the host."""

    NONE = ""
    TOKEN = "token"  # noqa: S105 - a word for it
    KEY = "deploy key"


def of_network(host: str, said: str, credential: Credential = Credential.NONE) -> DeploymentFailed:
    """Why fetching from the host failed."""
    for pattern, make in _FAILURES:
        if pattern.search(said):
            return make(host, credential)
    for pattern, sentence in _SENTENCES:
        if match := pattern.search(said):
            return _failed(sentence.format(host=host, status="".join(filter(None, match.groups()))))
    return _failed(f"what answers at {host} is no git server")


def of_reading(said: str) -> DeploymentFailed:
    """Why git could not read what it had fetched."""
    last = said.splitlines()[-1] if said else "git said nothing"
    return DeploymentFailed(
        "clone-failed", f"the fetched repository can't be read: {last[:300]}", remedy=_AGAIN, tail=said
    )


def not_started(error: OSError) -> DeploymentFailed:
    """git itself can't be started on this host."""
    return DeploymentFailed(
        "clone-failed",
        f"git can't be started on this host: {error.strerror or type(error).__name__}",
        remedy="the host's owner sees what is missing: slipway doctor\nthen try again: slipway deploy",
    )


def too_old(said: str) -> DeploymentFailed:
    """git would ignore the addresses that it is pinned to."""
    version = git_version.parse(said)
    known = f"git {'.'.join(map(str, version))}" if version else "git of an unknown version"
    return DeploymentFailed(
        "clone-failed",
        f"this host has {known}, which can't be pinned to the addresses that were checked: nothing is fetched",
        remedy=f"the host's owner has to act: {git_version.REMEDY}\nthen try again: slipway deploy",
    )


def absent_commit(what: str = "that commit") -> DeploymentFailed:
    return DeploymentFailed(
        "commit-missing",
        f"the repository does not have {what} (any more)",
        remedy="push it again, or deploy the branch's head: slipway deploy",
    )


def _absent_commit(_host: str, _credential: Credential) -> DeploymentFailed:
    return absent_commit()


def _failed(sentence: str) -> DeploymentFailed:
    return DeploymentFailed("clone-failed", f"the repository can't be fetched: {sentence}", remedy=_AGAIN)


def _refused(host: str, credential: Credential) -> DeploymentFailed:
    if credential:
        return DeploymentFailed(
            "clone-refused",
            f"{host} refuses the app's {credential}: it has expired, was revoked, or may not read this repository",
            remedy=_GIVE_ANOTHER,
        )
    return DeploymentFailed(
        "clone-refused",
        f"{host} lets nobody read the repository without a login, or there is no such repository; the app has none",
        remedy=_GIVE_CREDENTIAL,
    )


def _absent(host: str, credential: Credential) -> DeploymentFailed:
    if credential:
        return DeploymentFailed(
            "clone-refused",
            f"{host} has no such repository, or does not show it to the app's {credential}",
            remedy=f"{_ADDRESS_IS_WRONG}\nelse {_GIVE_ANOTHER}",
        )
    return DeploymentFailed(
        "clone-refused",
        f"{host} has no such repository, or shows it to nobody without a login; the app has none",
        remedy=_GIVE_CREDENTIAL,
    )


def _unknown_host_key(host: str, _credential: Credential) -> DeploymentFailed:
    return DeploymentFailed(
        "clone-refused",
        f"{host} shows another host key than the one that is known of it",
        remedy="if it was changed on purpose, this host's owner takes the old one out of known_hosts (state folder)",
    )


def _moved(host: str, _credential: Credential) -> DeploymentFailed:
    return DeploymentFailed(
        "clone-refused",
        f"{host} redirects to another address of the repository; redirects are not followed",
        remedy="set its address as the host shows it, with .git at the end: slipway apps set repository=…",
    )


def _any_case(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


_FAILURES: tuple[tuple[re.Pattern[str], Callable[[str, Credential], DeploymentFailed]], ...] = (
    (
        _any_case(
            r"not our ref|unadvertised object|couldn't find remote ref|no such remote ref|"
            r"--unshallow on a complete repository"
        ),
        _absent_commit,
    ),
    (_any_case(r"Host key verification failed"), _unknown_host_key),
    (_any_case(r"returned error: 30\d|unable to update url base from redirection"), _moved),
    (_any_case(r"repository .*not found|returned error: 404|does not appear to be a git repository"), _absent),
    (
        _any_case(
            r"Authentication failed|could not read (?:Username|Password)|Permission denied|access denied|"
            r"returned error: 40[13]"
        ),
        _refused,
    ),
)
_SENTENCES: tuple[tuple[re.Pattern[str], str], ...] = (
    (_any_case(r"No space left on device"), "there is no room for it on this host"),
    (_any_case(r"File too large|File size limit|signal 25"), "it is larger than SLIPWAY_SOURCE_MAX_BYTES allows"),
    (_any_case(r"from proxy|resolve proxy"), "the host's proxy does not reach {host}"),
    (_any_case(r"could not resolve host"), "the name of {host} does not resolve"),
    (_any_case(r"connection refused|failed to connect|couldn't connect"), "{host} refuses the connection"),
    (_any_case(r"no route to host|network is unreachable"), "there is no route to {host} from this host"),
    (_any_case(r"timed out|timeout|too slow"), "{host} did not answer in time"),
    (_any_case(r"certificate|\bSSL\b|\bTLS\b|gnutls"), "{host} has no TLS certificate that this host trusts"),
    (_any_case(r"returned error: (\d{3})|HTTP (\d{3}) curl"), "{host} answered with HTTP status {status}"),
    (
        _any_case(
            r"connection closed|reset by peer|empty reply|early EOF|hung up|transfer closed|"
            r"unexpected disconnect|RPC failed"
        ),
        "{host} closed the connection before the repository was complete",
    ),
)
