"""The folder of certificates that the edge serves (docs/reference/certificate-files.md): each issue in a folder that is
whole before `index.json` names it and never changes, so that the rename of the index is the one moment of a change.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from slipway.core.certificates import index
from slipway.core.certificates.index import FILES, HttpsOfHost, Served, folder_of
from slipway.ports.authority import Pair

INDEX = "index.json"
_LOCK = "lock"
_DEFAULT = "default"
"""The edge's own folder: the certificate that answers where none fits."""
GONE_AFTER_S = 60.0
"""A folder that the index no longer names stays for so long: an edge may have read the index just before."""


class CertificateFiles:
    """Writers in several processes come one after the other."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def install(self, certificate_id: int, folder: str, pair: Pair) -> None:
        """Put both files in place. They are served once the index names them. Other files have another `folder`.

        Raises:
            OSError: they could not be written; nothing of them is left in place.
        """
        target = self._folder / folder_of(certificate_id, folder)
        aside = target.with_name(f".{folder}.new")
        with self._locked():
            if self.pair(certificate_id, folder) == pair:
                return
            _mkdir(target.parent)
            shutil.rmtree(aside, ignore_errors=True)
            try:
                _mkdir(aside)
                for name, content in zip(FILES, (pair.fullchain, pair.key), strict=True):
                    _write(aside / name, content)
                _sync(aside)
                shutil.rmtree(target, ignore_errors=True)  # what is there is not whole: the index never named it
                aside.rename(target)
            except OSError:
                shutil.rmtree(aside, ignore_errors=True)
                raise
            _sync(target.parent)

    def pair(self, certificate_id: int, folder: str) -> Pair | None:
        """None: the files are not in place."""
        place = self._folder / folder_of(certificate_id, folder)
        try:
            return Pair(*((place / name).read_bytes() for name in FILES))
        except OSError:
            return None

    def publish(self, wanted: Callable[[], tuple[Iterable[Served], Mapping[str, HttpsOfHost]]]) -> bool:
        """Have the edge serve exactly what is wanted. False: it does already. It is asked for under the lock, so that
        of two writers the later one knows more.

        Raises:
            OSError: it could not be written; the index is as it was.
        """
        with self._locked():
            found, hosts = wanted()
            served = list(found)
            before = self.published()
            content = index.content(served, self._digests(served, before), hosts)
            if before and content == {key: before[key] for key in content if key in before}:
                return False
            self._replace({"version": int(before.get("version", 0)) + 1, **content})
        return True

    def published(self) -> dict[str, Any]:
        """The index; empty where there is none, or none that can be read."""
        try:
            document = json.loads((self._folder / INDEX).read_text())
        except (OSError, ValueError):
            return {}
        return document if isinstance(document, dict) else {}

    def collect(self) -> None:
        """Delete what the index no longer names, and what was never finished."""
        with self._locked():
            published = self.published().get("certificates", {})
            named = {self._folder / each["folder"] for each in published.values()}
            if not self._is_old(self._folder / INDEX):
                return
            for of_certificate in self._folders():
                for folder in of_certificate.iterdir():
                    if folder not in named and self._is_old(folder):
                        shutil.rmtree(folder, ignore_errors=True)
                if not any(of_certificate.iterdir()):
                    of_certificate.rmdir()

    def _folders(self) -> list[Path]:
        return [each for each in self._folder.iterdir() if each.is_dir() and each.name != _DEFAULT]

    def _is_old(self, path: Path) -> bool:
        return path.exists() and time.time() - path.stat().st_mtime > GONE_AFTER_S

    def _digests(self, served: list[Served], before: Mapping[str, Any]) -> dict[int, str]:
        """Files never change, so what the index knows of a folder stays true."""
        known = {each["folder"]: each["sha256"] for each in before.get("certificates", {}).values()}
        found = {}
        for each in served:
            folder = folder_of(each.id, each.folder)
            if folder in known and (self._folder / folder).is_dir():
                found[each.id] = known[folder]
            elif pair := self.pair(each.id, each.folder):
                found[each.id] = index.digest(pair.fullchain, pair.key)
        return found

    def _replace(self, document: dict[str, Any]) -> None:
        aside = self._folder / f".{INDEX}.new"
        try:
            _write(aside, json.dumps(document, separators=(",", ":")).encode())
            aside.rename(self._folder / INDEX)
        except OSError:
            aside.unlink(missing_ok=True)
            raise
        _sync(self._folder)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        _mkdir(self._folder)
        with (self._folder / _LOCK).open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _mkdir(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def _write(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
