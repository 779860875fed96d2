"""What tests need beside the forge: a working copy driven by the real git, and a receiver of deliveries."""

from __future__ import annotations

import http.client
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from slipway.demo.forge.bare import git_environment


def request(
    method: str, url: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> tuple[int, bytes]:
    """One HTTP request: status and body of the answer."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=10)
    try:
        connection.request(method, url.partition(parts.netloc)[2], body, dict(headers or {}))
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


class WorkingCopy:
    """A local repository; `git(...)` runs the real git in it and returns what it printed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir()
        self.git("init", "--quiet", "--initial-branch=main")

    def run(self, *argv: str) -> subprocess.CompletedProcess[str]:
        identity = {"GIT_AUTHOR_NAME": "Ada Löve", "GIT_AUTHOR_EMAIL": "ada@example.org"}
        identity |= {"GIT_COMMITTER_NAME": "Ada Löve", "GIT_COMMITTER_EMAIL": "ada@example.org"}
        command = ["git", "-C", str(self.path), *argv]
        return subprocess.run(command, env=git_environment() | identity, capture_output=True, text=True, check=False)

    def git(self, *argv: str) -> str:
        outcome = self.run(*argv)
        assert outcome.returncode == 0, outcome.stderr
        return outcome.stdout.strip()

    def commit(self, message: str = "Change", **files: str | None) -> str:
        """Write (None: delete) files and commit; `__` in a name is a dot."""
        for name, text in files.items():
            file = self.path / name.replace("__", ".")
            if text is None:
                file.unlink()
            else:
                file.write_text(text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")


@dataclass
class Receiver:
    """Takes deliveries and answers with `status`."""

    url: str
    status: int = 202
    bodies: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
