"""`make demo TLS=1` against the real platform: a domain gets its certificate, and loses it when it is removed."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

from tests.fixtures.demo import demo
from tests.fixtures.ports import free_port
from tests.fixtures.processes import running_command
from tests.fixtures.stack import running_stack

VERIFIED = re.compile(r"https answered 200, chain verified against the authority's root, \d+\.\d s after (.*)")


def verified(shown: list[str]) -> list[str]:
    """After what HTTPS answered, each time."""
    return [found[1] for line in shown if (found := VERIFIED.fullmatch(line))]


def kept_settings(shown: list[str]) -> dict[str, str]:
    """What a real user's `.env` has after a run; the environment of a test's platform decides for itself."""
    https = next(line for line in shown if line.startswith("https: ")).removeprefix("https: ")
    root = Path(next(line for line in shown if line.startswith("  curl ")).split("--cacert ")[1].split()[0])
    port = https.rstrip("/").rpartition(":")[2]
    return {
        "SLIPWAY_HTTPS_LISTEN": f"127.0.0.1:{port}",
        "SLIPWAY_ACME_CA_BUNDLE": str(root.with_name("api.pem")),
    }


def curl(shown: list[str]) -> str:
    """What the line that the demo prints for its user answers."""
    line = next(line for line in shown if line.startswith("  curl "))
    done = subprocess.run(shlex.split(line), capture_output=True, text=True, timeout=60, check=True)
    return done.stdout


def test_a_domain_gets_its_certificate_and_loses_it_with_the_domain() -> None:
    with running_stack() as stack:
        port = f"--port={free_port()}"
        shown = demo(stack, "--tls", port)

        assert verified(shown) == ["the domain was added"] * 2
        states = [line.split()[1] for line in shown if line.startswith(("  ·", "  ✔ issued"))]
        assert states[-1] == "issued"
        assert any("a handshake gets the certificate that is for no host" in line for line in shown)
        assert any("the authority says that the certificate is revoked" in line for line in shown)
        assert "It is live." in curl(shown)

        again = demo(stack, "--tls", port, **kept_settings(shown))
        assert verified(again) == ["this demo asked", "the domain was added"]
        assert "It is live." in curl(again)

        stopped = demo(stack, "stop", port)
        assert any(line.startswith("authority stopped") for line in stopped)
        new = demo(stack, "--tls", port, **kept_settings(shown))
        assert verified(new) == ["this demo asked", "the domain was added"]
        assert "It is live." in curl(new), "by the new authority's root"

        authority = f"{stack.state}/demo/authority"
        assert running_command(authority)
    assert running_command(authority) == [], "make remove stops it"
