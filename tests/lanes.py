"""`python -m tests.lanes [pytest's arguments]`: the static checks and the whole suite, in lanes side by side.

Tests that look at what the Docker Engine holds come one after the other in one lane, and so do those that start the
whole platform, which has an instance's name, a folder and a network range of its own. Those that need nginx, and those
that play histories, are the third lane; unit tests and those of the webhook, the router and the command are the fourth,
all others the fifth. What failed is named last. Tests of a real Keycloak, and those in a real browser, have runs of
their own: `make test-keycloak`, `make test-console`, `make test-gitea`.
"""

from __future__ import annotations

import re
import resource
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[1]
LANES = {
    "stack": "stack or firewall",
    "engine": "engine and not stack and not firewall",
    "edge": "(edge or histories) and not engine and not stack",
    "web": "(unit or web) and not engine and not stack",
    "others": "not engine and not stack and not firewall and not edge and not histories and not unit and not web",
}
MARKED_FOLDERS = {
    "e2e": "stack",
    "integration/edge": "edge",
    "integration/routes": "edge",
    "integration/webhook": "web",
    "integration/router": "web",
    "integration/login": "web",
    "integration/cli": "web",
    "integration/identity": "keycloak",
    "integration/acme": "acme",
    "integration/forges": "gitea",
    "integration/browser": "browser",
    "integration/oidc": "web",
    "integration/console": "web",
    "unit": "unit",
}
"""Which marker the tests of a whole folder have."""
_INTEGRATION = {path.relative_to(ROOT).parts[2] for path in ROOT.glob("tests/integration/**/test_*.py")}
_UNMARKED = sorted(f"tests/integration/{name}" for name in _INTEGRATION if f"integration/{name}" not in MARKED_FOLDERS)
_WEB = ("webhook", "router", "login", "cli", "oidc", "console")
FOLDERS = {
    "stack": ["tests/e2e", "tests/integration/demo", "tests/integration/firewall"],
    "engine": ["tests/contracts", *_UNMARKED, "tests/integration/edge/balancing"],
    "edge": ["tests/integration/edge", "tests/integration/routes", "tests/integration/agent"],
    "web": ["tests/unit", *(f"tests/integration/{name}" for name in _WEB)],
    "others": ["tests/contracts", *_UNMARKED],
}
"""Where each lane's tests are: to collect all tests five times would take a minute of a processor."""
CHECK = ["make", "--no-print-directory", "check"]
NOTHING_COLLECTED = 5
NAMED_AT_THE_END = 40
ENDS_WITHIN_S = 60
"""A lane that goes on for so long after its summary is ended, and has failed: a test left a thread behind."""
LAST_LINES_WITHIN_S = 10
"""A process that a test left behind may keep the output open."""
_SUMMARY = re.compile(r"=+ .* in \d+\.\d+s .*=+")
CHARACTERS_OF_A_NAME = 250


@dataclass
class Lane:
    """One process beside others; its lines are printed as they come, each with the lane's name."""

    name: str
    argv: list[str]
    process: subprocess.Popen[str] = field(init=False)
    reader: threading.Thread = field(init=False)
    failures: list[str] = field(default_factory=list)
    """Lines of pytest's summary."""

    def start(self) -> None:
        self.process = subprocess.Popen(
            self.argv,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        self.reader = threading.Thread(target=self._print, name=self.name, daemon=True)
        self.reader.start()

    def wait(self) -> int:
        code = self.process.wait()
        self.reader.join(LAST_LINES_WITHIN_S)
        return code

    def _print(self) -> None:
        assert self.process.stdout
        with self.process.stdout as lines:
            for line in lines:
                print(f"{self.name}: {line}", end="", flush=True)
                self._look_at(line.strip())

    def _look_at(self, line: str) -> None:
        if line.startswith(("FAILED ", "ERROR ")):
            self.failures.append(f"{self.name}: {line[:CHARACTERS_OF_A_NAME]}")
        if _SUMMARY.fullmatch(line):
            end = threading.Timer(ENDS_WITHIN_S, self._end)
            end.daemon = True
            end.start()

    def _end(self) -> None:
        if self.process.poll() is None:
            self.failures.append(f"{self.name}: did not end after its summary: a test left a thread behind")
            self.process.kill()


def pytest(lane: str, arguments: list[str]) -> list[str]:
    """The command of a lane."""
    argv = [sys.executable, "-m", "pytest", "-m", LANES[lane], "--durations=25"]
    return [*argv, *(arguments or FOLDERS[lane])]


def processor_s() -> float:
    """Of this process and of all below it that somebody has waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def main(arguments: list[str]) -> int:
    """Exit code 0: all lanes passed."""
    started = time.monotonic()
    commands = {"check": CHECK} | {name: pytest(name, arguments) for name in LANES}
    lanes = [Lane(name, argv) for name, argv in commands.items()]
    for lane in lanes:
        lane.start()
    codes = {lane.name: lane.wait() for lane in lanes}
    failed = [name for name, code in codes.items() if code not in (0, NOTHING_COLLECTED)]
    said = ", ".join(f"{name} {'failed' if name in failed else 'passed'}" for name in codes)
    print("\n" + "\n".join([line for lane in lanes for line in lane.failures][:NAMED_AT_THE_END]))
    print(f"{said}; {time.monotonic() - started:.0f} s, {processor_s():.0f} s of a processor without daemons")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
