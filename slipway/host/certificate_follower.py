"""Brings certificates to the running edge.

nginx' workers can't read `<state>/certificates/`. Its master reads all of it, as root, before it starts them; what
changes later comes through here: the process that holds the edge's ports looks at the index a few times a second, and
hands over what the edge lacks, on a socket that only root can reach (nginx/lua/slipway/tls/control.lua).
"""

from __future__ import annotations

import hashlib
import http.client
import json
import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slipway.host.edge import control_socket
from slipway.settings import Settings

EVERY_S = 0.3
AGAIN_S = 1.0
"""Until what failed is tried again."""
_TIMEOUT_S = 10.0
_STATIC = "static"
_MOST_PEM_BYTES = 256 << 10
_ID = re.compile(r"[A-Za-z0-9-]+")
_FOLDER = re.compile(r"[A-Za-z0-9-]+(?:/[A-Za-z0-9-]+)?")
"""Below the folder of certificates: never out of it."""

Stamp = tuple[int, int, int, int] | None


class EdgeRefused(Exception):
    """The edge can't use what it was given, and said why."""


@dataclass(frozen=True)
class Pair:
    """A certificate's chain and its key."""

    chain: bytes
    key: bytes

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.chain + self.key).hexdigest()


class Follower:
    """Call `look` often. `say` gets each fault once, as long as it stays."""

    def __init__(self, settings: Settings, say: Callable[[str], None]) -> None:
        self._folder = settings.certificate_dir
        self._static = (Path(settings.tls_certificate), Path(settings.tls_key)) if settings.tls_certificate else None
        self._edge = EdgeControl(control_socket(settings))
        self._say = say
        self._said: set[str] = set()
        self._seen: tuple[Stamp, ...] | None = None
        self._retry_at = 0.0

    def look(self) -> None:
        """Bring what changed since the last time, and what failed then."""
        now = tuple(map(_stamp, self._watched()))
        if now == self._seen and (self._retry_at == 0 or time.monotonic() < self._retry_at):
            return
        self._seen = now
        try:
            faults = list(self._bring())
        except (OSError, http.client.HTTPException) as error:
            faults = [f"the edge takes no certificates now: {error}"]
        for fault in faults:
            if fault not in self._said:
                self._say(fault)
        self._said = set(faults)
        self._retry_at = time.monotonic() + AGAIN_S if faults else 0.0

    def forget(self) -> None:
        """nginx was started again: what it has may be older than what was brought last."""
        self._seen = None

    def _watched(self) -> tuple[Path, ...]:
        return (self._folder / "index.json", *(self._static or ()))

    def _bring(self) -> Iterator[str]:
        held = self._edge.references()
        if self._static:
            yield from self._bring_pair(_STATIC, *self._static, held)
        text = _read_index(self._folder / "index.json")
        for id_, name, sha256 in _wanted(text):
            if f"{id_} {sha256}" not in held:
                folder = self._folder / name
                yield from self._bring_pair(id_, folder / "fullchain.pem", folder / "key.pem", held, sha256)
        yield from self._edge.put_index(text)

    def _bring_pair(self, id_: str, chain: Path, key: Path, held: set[str], sha256: str = "") -> Iterator[str]:
        try:
            pair = _read_pair(chain, key, sha256)
            if f"{id_} {pair.sha256}" not in held:
                self._edge.put(id_, pair)
        except EdgeRefused as refused:
            yield f"certificate {id_} can't be used: {refused}"
        except FileNotFoundError as error:
            yield f"certificate {id_} can't be read: {error}"


class EdgeControl:
    """The edge's control socket."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def references(self) -> set[str]:
        return set(self._ask("GET", "/certificates")[1].get("references") or ())

    def put(self, id_: str, pair: Pair) -> None:
        body = json.dumps({"chain": pair.chain.decode("latin-1"), "key": pair.key.decode("latin-1")})
        status, document = self._ask("PUT", f"/certificates/{id_}", body.encode())
        if status != http.client.NO_CONTENT:
            raise EdgeRefused(document.get("fault", f"the edge answered {status}"))

    def put_index(self, text: bytes) -> list[str]:
        """What is at fault in it."""
        status, document = self._ask("PUT", "/index", text)
        return list(document.get("faults") or ()) if status == http.client.OK else [f"the edge answered {status}"]

    def _ask(self, method: str, path: str, body: bytes | None = None) -> tuple[int, dict[str, Any]]:
        with closing(_UnixConnection(self._path)) as connection:
            connection.request(method, path, body=body)
            response = connection.getresponse()
            data = response.read()
        try:
            return response.status, json.loads(data) if data else {}
        except ValueError:
            return response.status, {}


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("edge", timeout=_TIMEOUT_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(_TIMEOUT_S)
        self.sock.connect(str(self._path))


def _stamp(path: Path) -> Stamp:
    """Another one when the file was written or replaced."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        data = file.read(_MOST_PEM_BYTES + 1)
    if len(data) > _MOST_PEM_BYTES:
        raise EdgeRefused(f"{path} has more than {_MOST_PEM_BYTES} bytes")
    return data


def _read_pair(chain: Path, key: Path, sha256: str) -> Pair:
    """The two files; of this digest, where the index says one."""
    pair = Pair(_read(chain), _read(key))
    if sha256 and pair.sha256 != sha256:
        raise EdgeRefused("its files are not those that the index names")
    return pair


def _read_index(path: Path) -> bytes:
    """Empty where there is none."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def _wanted(text: bytes) -> Iterator[tuple[str, str, str]]:
    """Id, folder and digest of each certificate that the index lists. What is wrong in it is the edge's to say."""
    try:
        rows = json.loads(text)["certificates"].items()
    except (ValueError, KeyError, TypeError, AttributeError):
        return
    for id_, row in rows:
        if _ID.fullmatch(id_) and isinstance(row, dict) and isinstance(row.get("sha256"), str):
            folder = row.get("folder", id_)
            if isinstance(folder, str) and _FOLDER.fullmatch(folder):
                yield id_, folder, row["sha256"].lower()
