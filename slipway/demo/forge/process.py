"""The demo's forge as a process of its own: it outlives `make demo`, since workers fetch from it and the agent asks it
for branch heads."""

from __future__ import annotations

import http.client
import json
import sys
from dataclasses import dataclass
from pathlib import Path

from slipway.demo.background import Background, next_free_port
from slipway.demo.forge.forge import admin_token


@dataclass(frozen=True, slots=True)
class ForgeProcess:
    """Starts, finds and stops the forge whose files are below `folder`. Every call may be repeated."""

    folder: Path
    port: int
    host: str = "127.0.0.1"

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    @property
    def root(self) -> Path:
        return self.folder / "repositories"

    @property
    def admin_token(self) -> str:
        return admin_token(self.root)

    def running(self) -> int | None:
        """Its process id, None when it doesn't run."""
        return _background(self.folder).running()

    def start(self) -> bool:
        """Make sure that it answers; False when it did before.

        Raises:
            DependencyUnavailable: it ended at once, or does not answer; says why.
        """
        if self.running() and self._answers():
            return False
        self.stop()
        argv = [sys.executable, "-m", "slipway.demo.forge.forge", "--root", str(self.root)]
        _background(self.folder).start(
            [*argv, "--host", self.host, "--port", str(self.port)],
            self._answers,
            where=self.url,
            remedy="free the port, or choose another: make demo FORGE_PORT=N",
        )
        return True

    def stop(self) -> bool:
        """End it; False when it did not run.

        Raises:
            DependencyUnavailable: it does not end.
        """
        return _background(self.folder).stop()

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=5)
        try:
            connection.request("GET", "/healthz")
            response = connection.getresponse()
            return response.status == 200 and json.loads(response.read()).get("url") == self.url
        except (OSError, http.client.HTTPException, ValueError):
            return False
        finally:
            connection.close()


def port_for(folder: Path, first: int) -> int:
    """Where the forge of `folder` listens; else `first`, or the next port that nobody has."""
    port = _background(folder).argument("--port")
    return int(port) if port else next_free_port(first)


def _background(folder: Path) -> Background:
    return Background("forge", "the demo's forge", folder)
