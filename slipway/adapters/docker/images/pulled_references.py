"""References that the Engine has only because a pull of ours is under way: `name@sha256:…`, removed after it.

A reference that was there before is the host owner's and stays. A file says which ones are ours; it is locked while
somebody uses the reference, so that one which nobody locks was left by a killed worker.
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from slipway.errors import SlipwayError

log = logging.getLogger(__name__)


class PulledReferences:
    """Lock files in `folder`. `exists` and `remove` ask and change the Engine."""

    def __init__(self, folder: Path, exists: Callable[[str], bool], remove: Callable[[str], None]) -> None:
        self._folder = folder
        self._exists = exists
        self._remove = remove

    @contextmanager
    def used(self, reference: str) -> Iterator[None]:
        """For the length of the block the reference may come to be; afterwards it is as it was."""
        path = self._folder / hashlib.sha256(reference.encode()).hexdigest()
        if not path.exists() and self._exists(reference):
            yield
            return
        descriptor = self._lock(path, reference)
        try:
            yield
        finally:
            self._leave(path, descriptor, reference)

    def tidy(self) -> None:
        """Remove what killed workers left."""
        for path in self._folder.glob("*"):
            try:
                descriptor = os.open(path, os.O_RDWR)
            except FileNotFoundError:
                continue
            self._leave(path, descriptor, os.pread(descriptor, 1024, 0).decode())

    def _lock(self, path: Path, reference: str) -> int:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        while True:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(descriptor, fcntl.LOCK_SH)
            if _is_at(path, descriptor):  # else the pull that used it last has just removed it
                os.pwrite(descriptor, reference.encode(), 0)
                return descriptor
            os.close(descriptor)

    def _leave(self, path: Path, descriptor: int, reference: str) -> None:
        """The last user removes the reference. If the Engine is unreachable, `tidy` does it later."""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_at(path, descriptor):
                if reference:
                    self._remove(reference)
                path.unlink()
        except BlockingIOError:
            return  # another pull uses it, too
        except SlipwayError as error:
            log.warning("a pulled reference stays for now", extra={"reference": reference, "why": error.message})
        finally:
            os.close(descriptor)


def _is_at(path: Path, descriptor: int) -> bool:
    try:
        return path.stat().st_ino == os.fstat(descriptor).st_ino
    except FileNotFoundError:
        return False
