"""Fetches contents from a Git LFS server: it is asked in batches where each is, and each is checked by its size and
digest. No server's address, nor one that it answers with, leads into this host or its network.
"""

from __future__ import annotations

import functools
import hashlib
import json
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx

from slipway.adapters.git.connection import SETTING, basic_authorization
from slipway.adapters.git.pinned_http import PinnedHttp
from slipway.core.naming import issuer_url, validation
from slipway.core.naming.issuer_url import WebAddress
from slipway.core.naming.repository_address import RepositoryAddress
from slipway.core.sources import lfs
from slipway.core.sources.lfs import Pointer
from slipway.errors import DeploymentFailed, InvalidInput
from slipway.ports.building import Interrupted, Stopped

TIMEOUT_S, CONNECT_TIMEOUT_S = 30.0, 10.0
ALL_TIMEOUT_S = 600.0
AT_ONCE = 4
MOST_REDIRECTS = 3
LONGEST_ANSWER_BYTES = 4 << 20
_HEADERS = {"Accept-Encoding": "identity", "User-Agent": "slipway"}
_OURS = frozenset({"host", "content-length", "transfer-encoding", "connection", "accept-encoding"})
"""Headers that a server can't set for us."""
_EXCLUDE = "if the app does not need it, leave it out: lfs.fetchexclude in .lfsconfig"
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_roots = functools.cache(httpx.create_ssl_context)


@dataclass(frozen=True, slots=True)
class Download:
    """Where a content is, and with which headers it is given."""

    pointer: Pointer
    url: str
    headers: Mapping[str, str]


@dataclass(frozen=True)
class LfsContents:
    """Of one repository, in one attempt. `app` is where the credential is for, a token or none."""

    listed: tuple[str, ...]
    outbound: Mapping[str, str]
    app: RepositoryAddress
    credential: str | None
    stopped: Stopped
    until: float
    """On the monotonic clock: then all of it has to be here."""

    def fetch(self, repository: RepositoryAddress, configured: str, pointers: list[Pointer], into: Path) -> None:
        """Write each content into a file that is called by its oid.

        Raises:
            DeploymentFailed: one can't be had.
            Interrupted: the work has to stop.
        """
        try:
            server = lfs.endpoint(repository, configured)
            for batch in lfs.batches(pointers):
                self._fetch_batch(self._ask(server, batch), into)
        except InvalidInput as error:
            raise _refused(f"its address is not allowed: {error.message}", error.remedy) from None
        except (httpx.HTTPError, httpx.InvalidURL, Interrupted) as error:
            self._require_time()
            raise _failed(f"the server does not answer as one ({type(error).__name__})") from None

    def _ask(self, server: str, batch: list[Pointer]) -> list[Download]:
        """The batch API."""
        asked = {
            "operation": "download",
            "transfers": ["basic"],
            "hash_algo": "sha256",
            "objects": [{"oid": each.oid, "size": each.size} for each in batch],
        }
        url = f"{server}/objects/batch"
        where = self._allowed(url)
        headers = {**_HEADERS, **self._authorization(where), "Accept": lfs.MEDIA_TYPE, "Content-Type": lfs.MEDIA_TYPE}
        with self._http().stream(
            "POST", url, where, self._is_over, headers=headers, content=json.dumps(asked)
        ) as answer:
            _require_success(answer.status_code, where.host, "Authorization" in headers)
            return _downloads(_parsed(b"".join(self._pieces(answer, LONGEST_ANSWER_BYTES))), batch)

    def _fetch_batch(self, downloads: list[Download], into: Path) -> None:
        """A few at a time. When one fails the others stop."""
        failed: list[BaseException] = []
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="lfs") as pool:
            for each in downloads:
                pool.submit(self._fetch_unless, failed, each, into)
        if failed:
            raise failed[0]

    def _fetch_unless(self, failed: list[BaseException], download: Download, into: Path) -> None:
        if failed:
            return
        try:
            self._fetch_one(download, into / download.pointer.oid)
        except BaseException as error:  # noqa: BLE001 - it is raised by the thread that waits
            failed.append(error)

    def _fetch_one(self, download: Download, target: Path) -> None:
        expected, digest, size = download.pointer, hashlib.sha256(), 0
        with self._followed(download) as answer, target.open("wb") as file:
            for piece in self._pieces(answer, expected.size):
                digest.update(piece)
                size += len(piece)
                file.write(piece)
        if (size, digest.hexdigest()) != (expected.size, expected.oid):
            raise _failed(f"what is given as {expected.oid[:12]} is something else")

    @contextmanager
    def _followed(self, download: Download) -> Iterator[httpx.Response]:
        """The answer with the content. A redirect is followed without the headers, which were for the first address."""
        url, headers = download.url, {**_HEADERS, **download.headers}
        for _ in range(MOST_REDIRECTS + 1):
            where = self._allowed(url)
            with self._http().stream("GET", url, where, self._is_over, headers=headers) as answer:
                if answer.status_code not in _REDIRECTS:
                    _require_success(answer.status_code, where.host, "Authorization" in headers)
                    yield answer
                    return
                url, headers = urljoin(url, answer.headers.get("location", "")), _HEADERS
        raise _failed("the server redirects without end")

    def _pieces(self, answer: httpx.Response, most: int) -> Iterator[bytes]:
        """The body, of which no more than `most` bytes are read."""
        size = 0
        for piece in answer.iter_raw():
            self._require_time()
            size += len(piece)
            if size > most:
                raise _failed("the server answers with more than it should")
            yield piece
        self._require_time()

    def _is_over(self) -> bool:
        return self.stopped() or time.monotonic() > self.until

    def _require_time(self) -> None:
        """Raises `Interrupted` or `DeploymentFailed`: an answer that was broken off looks like a bad one."""
        if self.stopped():
            raise Interrupted
        if time.monotonic() > self.until:
            raise _failed(f"it is not here within {ALL_TIMEOUT_S:g} s")

    def _allowed(self, url: str) -> WebAddress:
        """Raises `InvalidInput`: it is no web address, or the settings do not allow its host."""
        where = issuer_url.address_of(url)
        if not where.is_listed(self.listed):
            validation.require_repository_host(where.host, where.netloc, self.listed)
        return where

    def _authorization(self, where: WebAddress) -> dict[str, str]:
        """The app's credential goes to the app's own host alone."""
        app = self.app
        own = (where.scheme, where.host, where.port) == (app.scheme, app.host, app.connected_port)
        return {"Authorization": basic_authorization(self.credential)} if own and self.credential else {}

    def _http(self) -> PinnedHttp:
        return PinnedHttp(self.listed, SETTING, self.outbound, _roots(), TIMEOUT_S, CONNECT_TIMEOUT_S)


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise _failed("the server does not answer as one (no JSON)") from None


def _downloads(answer: Any, batch: list[Pointer]) -> list[Download]:
    """One for each that was asked for."""
    objects = answer.get("objects") if isinstance(answer, dict) else None
    found = {each.get("oid"): each for each in objects or () if isinstance(each, dict)}
    return [_download(found.get(pointer.oid), pointer) for pointer in batch]


def _download(answer: Any, pointer: Pointer) -> Download:
    actions = answer.get("actions") if isinstance(answer, dict) else None
    download = actions.get("download") if isinstance(actions, dict) else None
    if not isinstance(download, dict) or not isinstance(download.get("href"), str):
        raise DeploymentFailed(
            "lfs-missing",
            f"the repository's Git LFS server does not have the content {pointer.oid[:12]} ({pointer.size} bytes)",
            remedy=f"push it: git lfs push --all origin\n{_EXCLUDE}",
        )
    given = download.get("header")
    headers = {
        name: value for name, value in (given if isinstance(given, dict) else {}).items() if _is_ours(name, value)
    }
    return Download(pointer, download["href"], headers)


def _is_ours(name: object, value: object) -> bool:
    """May the server have us send this header to where the content is?"""
    return isinstance(name, str) and isinstance(value, str) and name.lower() not in _OURS and (name + value).isascii()


def _require_success(status: int, host: str, with_credential: bool) -> None:
    if status in (401, 403):
        what = "refuses the app's token for" if with_credential else "lets nobody read without a login"
        raise _refused(
            f"{host} {what} what Git LFS keeps",
            "give the repository's https address and a token that may read it: slipway apps set --credential-file FILE",
        )
    if status == 404:
        raise _refused(f"{host} has no Git LFS server for the repository", "")
    if not 200 <= status < 300:
        raise _failed(f"{host} answered with HTTP status {status}")


def _refused(why: str, remedy: str) -> DeploymentFailed:
    return DeploymentFailed(
        "clone-refused",
        f"the content of files that Git LFS keeps can't be fetched: {why}",
        remedy="\n".join(filter(None, [remedy, _EXCLUDE])),
    )


def _failed(why: str) -> DeploymentFailed:
    return DeploymentFailed(
        "clone-failed",
        f"the content of files that Git LFS keeps can't be fetched: {why}",
        remedy=f"try again: slipway deploy\n{_EXCLUDE}",
    )
