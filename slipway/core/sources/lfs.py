"""Contents that Git LFS keeps outside of a repository: what stands in their place, and where they are asked for.

https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md and, of servers, docs/api/batch.md beside it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from slipway.core.naming import hosts
from slipway.core.naming.repository_address import RepositoryAddress
from slipway.core.push import path_patterns
from slipway.errors import InvalidInput

CONFIG_FILE = ".lfsconfig"
LONGEST_POINTER_BYTES = 1024
MEDIA_TYPE = "application/vnd.git-lfs+json"
OBJECTS_A_BATCH = 100
MOST_EXCLUSIONS, LONGEST_EXCLUSIONS = 100, 4000
_POINTER = re.compile(
    rb"version https://(?:git-lfs|hawser)\.github\.com/spec/v1\n"
    rb"(?:ext-[^\n]*\n)*oid sha256:(?P<oid>[0-9a-f]{64})\nsize (?P<size>[0-9]{1,15})\n*"
)
_ESCAPED = re.compile(rb'\\([abtnvfr"\\]|[0-7]{3})')
_LETTERS = dict(zip(b'abtnvfr"\\', b'\a\b\t\n\v\f\r"\\', strict=True))


@dataclass(frozen=True, slots=True)
class Pointer:
    """What a file's content is known by."""

    oid: str
    """SHA-256, hexadecimal."""
    size: int


def pointer_of(content: bytes) -> Pointer | None:
    """None: the file holds its content itself."""
    found = _POINTER.fullmatch(content) if len(content) <= LONGEST_POINTER_BYTES else None
    return Pointer(found["oid"].decode(), int(found["size"])) if found else None


def endpoint(repository: RepositoryAddress, configured: str) -> str:
    """The server's URL: the one of `.lfsconfig`, else the usual one beside the repository's web address.

    Raises:
        InvalidInput: what is configured is no web address.
    """
    if configured:
        if not configured.startswith(("https://", "http://")):
            raise InvalidInput(f"{configured[:200]!r} is no web address")
        return configured.rstrip("/")
    path = repository.path.rstrip("/").removesuffix(".git")
    if repository.scheme == "ssh":
        return f"https://{hosts.bracketed(repository.host)}{path}.git/info/lfs"
    return f"{repository.scheme}://{repository.netloc}{path}.git/info/lfs"


def is_beside(repository: RepositoryAddress, configured: str) -> bool:
    """Is it the repository's usual server, whoever configured it?"""
    return configured.rstrip("/") in ("", endpoint(repository, ""))


def exclusions(configured: str) -> tuple[str, ...]:
    """Patterns of what is not wanted: `lfs.fetchexclude` of `.lfsconfig` has them with commas between.

    Raises:
        InvalidInput: they are too many for each pointer to be compared with them.
    """
    patterns = tuple(each.strip().lstrip("/") for each in configured.split(",") if each.strip())
    if len(patterns) > MOST_EXCLUSIONS or len(configured) > LONGEST_EXCLUSIONS:
        raise InvalidInput(
            f"lfs.fetchexclude in {CONFIG_FILE} has more than {MOST_EXCLUSIONS} patterns, or more than "
            f"{LONGEST_EXCLUSIONS} characters",
            remedy="name folders rather than files",
        )
    return patterns


def is_wanted(path: str, excluded: tuple[str, ...]) -> bool:
    return not excluded or not path_patterns.matches(path, excluded)


def batches(pointers: Sequence[Pointer]) -> list[list[Pointer]]:
    """Each content once, as many as servers take in one request."""
    each_once = list(dict.fromkeys(pointers))
    return [each_once[at : at + OBJECTS_A_BATCH] for at in range(0, len(each_once), OBJECTS_A_BATCH)]


def unquoted(name: str) -> bytes:
    """A path as git lists it: one with unusual characters stands in quotes, with escapes of C."""
    raw = name.encode("utf-8", "surrogateescape")
    if len(raw) < 2 or not (raw.startswith(b'"') and raw.endswith(b'"')):
        return raw
    return _ESCAPED.sub(lambda found: bytes([_byte(found[1])]), raw[1:-1])


def _byte(escaped: bytes) -> int:
    return _LETTERS[escaped[0]] if len(escaped) == 1 else int(escaped, 8) & 0xFF
