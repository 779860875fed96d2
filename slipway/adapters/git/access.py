"""git in a local repository, with access to one remote repository and every optional feature switched off.

No credential is ever in an argument list, in a configuration file or in output. A token is passed in git's environment
(`GIT_CONFIG_*`), bound to the repository's own host (slipway/adapters/git/connection.py); a deploy key in an anonymous
file in memory.
"""

from __future__ import annotations

import functools
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from slipway.adapters.git import failures
from slipway.adapters.linux import processes
from slipway.core.build import git_version
from slipway.core.naming.repository_address import RepositoryAddress
from slipway.core.text.redaction import Redactor
from slipway.errors import DeploymentFailed
from slipway.ports.building import Stopped

log = logging.getLogger(__name__)

VERSION_TIMEOUT_S = 20.0
CONFIGURATION = {
    "core.hooksPath": "/dev/null",
    "core.fsmonitor": "false",
    "core.askPass": "",
    "core.alternateRefsCommand": "",
    "credential.helper": "",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "advice.detachedHead": "false",
    "init.defaultBranch": "main",
    "init.templateDir": "",
    "safe.directory": "*",
}
_OVER_THE_NETWORK = frozenset({"fetch", "ls-remote"})


class Environments(Protocol):
    """What git is run with."""

    @property
    def source_max_bytes(self) -> int: ...

    def environment(
        self, address: RepositoryAddress, credential: str | None, key_file: Path | None, stopped: Stopped
    ) -> dict[str, str]:
        """Raises `DeploymentFailed` or `Interrupted`."""
        ...


@functools.cache
def require_pinning() -> None:
    """Check once per process that git connects only to the addresses it is given.

    Raises:
        DeploymentFailed: git is missing, or would resolve the host's name again by itself.
    """
    try:
        said = processes.run(["git", "--version"], env={}, timeout_s=VERSION_TIMEOUT_S, has_children=False).output
    except OSError as error:
        raise failures.not_started(error) from None
    except processes.TimedOut:
        said = ""
    if not git_version.is_enough(said):
        raise failures.too_old(said)


class Access:
    """git, with access to one repository. The file with a deploy key is closed at the end of the block."""

    def __init__(
        self,
        address: RepositoryAddress,
        credential: str | None,
        folder: Path | None,
        sources: Environments,
        stopped: Stopped,
    ) -> None:
        self.url = address.url
        self.address = address
        self._credential = credential
        self._folder = folder
        self._sources = sources
        self._stopped = stopped
        self._key: int | None = None
        self._shown = failures.Credential.NONE
        self._environment: dict[str, str] = {}
        self._redactor = Redactor([credential] if credential else [])

    def __enter__(self) -> Access:
        is_key = holds_key(self._credential)
        over_ssh = self.address.scheme == "ssh"
        if self._credential and is_key != over_ssh:
            raise DeploymentFailed(
                "clone-refused",
                "a deploy key belongs to an ssh address and a token to an https address; here they are mixed",
                remedy="give the address of the other kind: slipway apps set repository=git@host:owner/name.git\n"
                "or a credential for this one: slipway apps set --credential-file FILE",
            )
        if self._credential:
            self._shown = failures.Credential.KEY if is_key else failures.Credential.TOKEN
        if self._credential and is_key:
            self._key = _memory_file(self._credential)
        key_file = Path(f"/proc/{os.getpid()}/fd/{self._key}") if self._key is not None else None
        try:
            self._environment = self._sources.environment(self.address, self._credential, key_file, self._stopped)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._key is not None:
            os.close(self._key)
            self._key = None

    def git(self, arguments: list[str], *, timeout_s: float = 120.0, each: Callable[[str], None] | None = None) -> str:
        """Run git and return the end of its output; `each` is called with every line at once, and may raise.

        Raises:
            DeploymentFailed: git failed. The sentence has no credential in it.
        """
        over_the_network = arguments[0] in _OVER_THE_NETWORK
        folder = [f"--git-dir={self._folder}"] if self._folder and arguments[0] != "init" else []
        try:
            done = processes.run(
                ["git", *folder, *arguments],
                env=self._environment,
                timeout_s=timeout_s,
                stopped=self._stopped,
                output=each,
                file_size_bytes=self._sources.source_max_bytes,
                has_children=over_the_network,
            )
        except processes.TimedOut:
            raise DeploymentFailed(
                "clone-failed",
                f"{self.address.host} did not answer within {timeout_s:g} s"
                if over_the_network
                else f"git could not read the repository within {timeout_s:g} s",
                remedy="try again: slipway deploy",
            ) from None
        except OSError as error:
            raise failures.not_started(error) from None
        if done.code:
            raise self._failure(done.output, over_the_network)
        return done.output

    def has(self, sha: str) -> bool:
        try:
            self.git(["cat-file", "-e", f"{sha}^{{commit}}"])
        except DeploymentFailed:
            return False
        return True

    def _failure(self, output: str, over_the_network: bool) -> DeploymentFailed:
        said = self._redactor.text(output.strip())
        log.info("git failed", extra={"host": self.address.host, "said": said[-2000:]})
        if not over_the_network:
            return failures.of_reading(said)
        return failures.of_network(self.address.host, said, self._shown)


def holds_key(credential: str | None) -> bool:
    """Is it a deploy key, for ssh?"""
    return credential is not None and "PRIVATE KEY-----" in credential


def _memory_file(content: str) -> int:
    """A file that is on no disk and has no name, readable by the user of this process alone."""
    descriptor = os.memfd_create("deploy-key")
    os.fchmod(descriptor, 0o600)
    os.write(descriptor, content.strip().encode() + b"\n")
    return descriptor
