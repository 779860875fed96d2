"""The command against the router as it runs in production, on a real database, with an agent that a test writes."""

from __future__ import annotations

import contextlib
import io
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from slipway import cli
from slipway.cli.exit_codes import Exit
from slipway.core.access.roles import Role
from slipway.core.deployment.states import State
from slipway.domain import lifecycle
from slipway.models import Deployment
from tests.fixtures.api import Api, make_api
from tests.fixtures.services.agent_server import Agent, running_agent
from tests.fixtures.services.router_server import RouterServer, running_router

ROOT = Path(__file__).parents[3]


@dataclass
class Platform:
    """An API over TCP, and what stands behind it."""

    api: Api
    agent: Agent
    url: str

    def advance(self, number: int, state: State, **values: Any) -> None:
        """Move a deployment on, as workers and the agent do."""
        with self.api.services.db.write(platform="a test's worker") as session:
            row = session.get_one(Deployment, number)
            lifecycle.advance(row, state)
            for name, value in values.items():
                setattr(row, name, value)

    def log(self, number: int, *lines: str) -> None:
        """Lines of a deployment's build."""
        for line in lines:
            self.api.services.log.append(number, line)


@contextmanager
def serving(folder: Path, database_url: str, redis_url: str) -> Iterator[Platform]:
    """The platform without its router."""
    api = make_api(folder, database_url, redis_url)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with running_agent(api.services.settings.agent_socket) as agent:
        yield Platform(api, agent, f"http://127.0.0.1:{port}")
    api.services.db.dispose()
    api.services.redis.close()


@contextmanager
def router_of(platform: Platform) -> Iterator[RouterServer]:
    """Its router: on its socket, and on a port beside it."""
    with pytest.MonkeyPatch.context() as patch:
        settings = platform.api.services.settings
        port = platform.url.rpartition(":")[2]
        patch.setenv("GUNICORN_CMD_ARGS", f"--bind unix:{settings.router_socket} --bind 127.0.0.1:{port}")
        with running_router(settings, PUBLIC_URL=platform.url) as server:
            yield server


@dataclass(frozen=True)
class Done:
    """How a call of the command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


@dataclass
class User:
    """Somebody with a token, a folder and a configuration of their own."""

    platform: Platform
    token: str
    home: Path
    environ: dict[str, str] = field(default_factory=dict)

    def __call__(self, *arguments: str, stdin: str = "", code: int = Exit.DONE) -> Done:
        """Call the command in this process, outside a terminal; it must end with `code`."""
        done = self.run(*arguments, stdin=stdin)
        assert done.code == code, done
        return done

    def run(self, *arguments: str, stdin: str = "") -> Done:
        """The same, however it ends."""
        out, err = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch:
            for name, value in self.variables().items():
                patch.setenv(name, value)
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode()), "utf-8"))
            patch.chdir(self.home)
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), pytest.raises(SystemExit) as ended:
                cli.main(arguments)
        return Done(int(ended.value.code or 0), out.getvalue(), err.getvalue())

    def start(self, *arguments: str, **streams: Any) -> subprocess.Popen[str]:
        """Call it as a process of its own."""
        variables = {**os.environ, **self.variables(), "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
        argv = [sys.executable, "-m", "slipway.cli", *arguments]
        pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | streams
        return subprocess.Popen(argv, cwd=self.home, env=variables, text=True, **pipes)

    def variables(self) -> dict[str, str]:
        config = str(self.home / "config")
        own = {"SLIPWAY_URL": self.platform.url, "SLIPWAY_TOKEN": self.token, "SLIPWAY_CONFIG_DIR": config}
        return own | self.environ


def user_of(platform: Platform, home: Path, tenant: str, role: Role = Role.OWNER) -> User:
    home.mkdir(parents=True, exist_ok=True)
    return User(platform, platform.api.caller(tenant, role).token, home)
