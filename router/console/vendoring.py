"""`python -m router.console.vendoring` (`make vendor`): fetch what browsers run and others wrote, as `vendor.lock.json`
has it: each package by version and by the registry's digest of it, each file by a digest of its own.

To take another version: change version, url and integrity in the file (`npm view NAME@VERSION dist`), then run this.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import sys
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx

HERE = Path(__file__).parent
LOCK = HERE / "vendor.lock.json"
VENDORED = HERE / "static" / "vendor"
_TIMEOUT_S = 60.0

Fetch = Callable[[str], bytes]


class IntegrityError(RuntimeError):
    """What was fetched is not what the lock file names."""


def integrity(content: bytes, algorithm: str = "sha512") -> str:
    """As browsers and registries write it (Subresource Integrity)."""
    return f"{algorithm}-{base64.b64encode(hashlib.new(algorithm, content).digest()).decode()}"


def packages() -> list[dict[str, Any]]:
    """Those of the lock file."""
    found: list[dict[str, Any]] = json.loads(LOCK.read_text())["packages"]
    return found


def files_of(package: Mapping[str, Any], tarball: bytes) -> dict[str, bytes]:
    """The files that are kept of a package, by the name that they have here.

    Raises:
        IntegrityError: the package is another one than the lock file's.
    """
    if integrity(tarball) != package["integrity"]:
        raise IntegrityError(f"{package['url']} is not what vendor.lock.json names")
    found = {}
    with tarfile.open(fileobj=io.BytesIO(tarball)) as archive:
        for name, member in package["files"].items():
            opened = archive.extractfile(f"package/{member['from']}")
            if opened is None:
                raise IntegrityError(f"{package['name']} has no file {member['from']}")
            found[name] = opened.read()
    return found


def vendor(fetch: Fetch, folder: Path = VENDORED) -> list[dict[str, Any]]:
    """Fetch all packages into the folder. Returns them with the digests of their files."""
    folder.mkdir(parents=True, exist_ok=True)
    locked = packages()
    for package in locked:
        for name, content in files_of(package, fetch(package["url"])).items():
            (folder / name).write_bytes(content)
            package["files"][name]["integrity"] = integrity(content, "sha384")
    return locked


def _fetched(url: str) -> bytes:
    return httpx.get(url, timeout=_TIMEOUT_S, follow_redirects=True).raise_for_status().content


if __name__ == "__main__":
    LOCK.write_text(json.dumps({"packages": vendor(_fetched)}, indent=2) + "\n")
    sys.stdout.write("".join(f"{each['name']} {each['version']}\n" for each in packages()))
