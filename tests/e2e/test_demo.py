"""`make demo` against the real platform, which takes over the changed settings."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.fixtures.demo import demo
from tests.fixtures.ports import free_port
from tests.fixtures.stack import ROOT, Stack


def command(stack: Stack, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The `slipway` command of somebody who gives it no address and no token."""
    argv = [sys.executable, "-m", "slipway.cli", *arguments]
    return subprocess.run(
        argv, env=stack.environment, cwd=ROOT, capture_output=True, text=True, timeout=300, check=True
    )


def test_the_demo_ends_with_the_address_of_a_live_app_and_deploys_a_new_version_each_time(stack: Stack) -> None:
    port = free_port()
    try:
        shown = demo(stack, f"--port={port}")
        assert shown[-1] == f"live: http://hello.localhost:{stack.port}/"
        steps = [line.split()[:2] for line in shown[-5:-2]]  # a command of another checkout's has this one's path
        assert [Path(program).name for program, _ in steps] == ["slipway", "git", "slipway"]
        assert [verb for _, verb in steps] == ["ps", "clone", "logs"]
        assert f"slipway.localhost:{stack.port}: token demo-" in command(stack, "whoami").stdout
        assert "web" in command(stack, "ps", "-a", "hello").stdout
        assert command(stack, "logout").returncode == 0
        (stack.state / "client" / "login.json").write_text('{"url": "http://elsewhere.localhost:9", "token": "x"}')
        assert "It is live." in stack.get("hello").text
        first = stack.get("hello", "/version").json["version"]

        hosts = f"{stack.environment['SLIPWAY_GIT_HOSTS']},127.0.0.1:{port}"
        again = demo(stack, f"--port={port}", "--no-up", SLIPWAY_GIT_HOSTS=hosts)

        sign_in = f"slipway login http://slipway.localhost:{stack.port} --token-stdin < {stack.state}/demo/forge/token"
        assert any(line.endswith(sign_in) for line in again), again
        assert again[-1] == f"live: http://hello.localhost:{stack.port}/"
        assert stack.get("hello", "/version").json["version"] == str(int(first) + 1)
    finally:
        demo(stack, "stop", f"--port={port}")
        (stack.state / "client" / "login.json").unlink(missing_ok=True)


@pytest.mark.parametrize(("example", "expected"), [("static", "Only files."), ("dockerfile", "GET / answered by")])
def test_the_other_examples_deploy_as_they_are(stack: Stack, example: str, expected: str) -> None:
    checkout = stack.app(f"sample-{example}", source=ROOT / "examples" / example)

    stack.deploy(f"sample-{example}", checkout, "1")

    assert expected in stack.get(f"sample-{example}").text
