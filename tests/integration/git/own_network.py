"""Scenarios in a network of their own, where a name server changes its mind: `python -m … FOLDER` prints what came of
them as JSON. Run it by `unshare --net --mount`: ports 53, 80, 443 and 22 are free there, and nothing leads outside.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from slipway.adapters.git.git_sources import GitSources, Limits
from slipway.adapters.linux import processes
from slipway.demo.forge.forge import Forge
from slipway.errors import DeploymentFailed
from slipway.ports.building import Repository
from tests.forge import WorkingCopy
from tests.integration.git.name_server import NameServer

GOOD, INNER, OUTSIDE = "127.0.0.1", "127.0.0.2", "93.184.216.34"
SECRET = b"220 INNER-SECRET banner\r\n"
PORTS = {"http": 80, "https": 443, "ssh": 22}
NAMES = {
    "turns.example": [[OUTSIDE], [INNER]],
    "late.example": [[], [INNER]],
    "mixed.example": [[OUTSIDE, INNER]],
    "mapped.example": [["::ffff:127.0.0.2"]],
    "nat64.example": [["64:ff9b::7f00:2"]],
    "metadata.example": [["169.254.169.254"]],
    "nowhere.example": [[]],
    "own.example": [["5.5.5.5"]],
    **{f"{scheme}.listed.example": [[GOOD], [INNER]] for scheme in PORTS},
    "forge.listed.example": [[GOOD], [INNER]],
}


class Listener:
    """Takes connections, and says something that nobody should get to see."""

    def __init__(self, address: str, port: int) -> None:
        self._server = socket.create_server((address, port))
        self.greeted: list[str] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            connection, _ = self._server.accept()
            connection.sendall(SECRET)
            self.greeted.append(connection.recv(4096)[:3].decode("latin-1"))
            connection.close()


def prepare(folder: Path) -> NameServer:
    resolver = folder / "resolv.conf"
    resolver.write_text("nameserver 127.0.0.53\noptions timeout:1 attempts:1\n")
    for argv in (
        ["ip", "link", "set", "lo", "up"],
        ["ip", "address", "add", "5.5.5.5/32", "dev", "lo"],
        ["mount", "--bind", str(resolver), "/etc/resolv.conf"],
    ):
        subprocess.run(argv, check=True)
    return NameServer(("127.0.0.53", 53), NAMES)


def ask(folder: Path, url: str, *listed: str) -> str:
    """What the deployment would show."""
    try:
        found = GitSources(Limits(listed, 1 << 20), folder, {}).resolve(Repository(url), "main")
    except DeploymentFailed as failed:
        return f"{failed.reason}: {failed.message} {failed.remedy} {failed.tail}"
    return f"found: {found}"


def url(scheme: str, host: str) -> str:
    return f"{scheme}://{'git@' if scheme == 'ssh' else ''}{host}/a/b.git"


def fetch(folder: Path) -> dict[str, Any]:
    """A whole fetch, in several connections, from a listed name that leads elsewhere after its first lookup."""
    (folder / "source").mkdir()
    with Forge(folder / "forge") as forge:
        forge.create_repository("a/b", private=False)
        copy = WorkingCopy(folder / "copy")
        sha = copy.commit("First", a__txt="one\n")
        copy.git("push", "--quiet", forge.push_url("a/b"), "HEAD:main")
        port = urlsplit(forge.base_url).port
        netloc = f"forge.listed.example:{port}"
        inner = Listener(INNER, int(port or 0))
        sources = GitSources(Limits((netloc,), 1 << 20), folder, {})
        repository = Repository(f"http://{netloc}/a/b.git")
        commit = sources.fetch(repository, sha, folder / "source", stopped=processes.never)
        return {"is_whole": commit.sha == sha, "inner": inner.greeted}


def scenarios(folder: Path) -> dict[str, Any]:
    server = prepare(folder)
    inner = {scheme: Listener(INNER, port) for scheme, port in PORTS.items()}
    good = {scheme: Listener(GOOD, port) for scheme, port in PORTS.items()}
    public = [name for name in NAMES if ".listed." not in name]
    NAMES.update({f"{scheme}.{name}": NAMES[name] for scheme in PORTS for name in public})
    shown = {f"{scheme}.{name}": ask(folder, url(scheme, f"{scheme}.{name}")) for scheme in PORTS for name in public}
    listed = [f"{scheme}.listed.example" for scheme in PORTS]
    shown |= {name: ask(folder, url(name.partition(".")[0], name), *listed) for name in listed}
    return {
        "shown": shown,
        "inner": {scheme: each.greeted for scheme, each in inner.items()},
        "good": {scheme: each.greeted for scheme, each in good.items()},
        "asked": dict(server.asked),
        "fetch": fetch(folder),
    }


if __name__ == "__main__":
    print(json.dumps(scenarios(Path(sys.argv[1]))))
