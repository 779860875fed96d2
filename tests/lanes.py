"""`python -m tests.lanes [pytest's arguments]`: the whole suite in lanes side by side, and the coverage of two.

Tests that look at what the Docker Engine holds come one after the other in one lane, and so do those that start the
whole platform, which has an instance's name, a folder and a network range of its own. Those that need nginx, and those
that play histories, are the third lane; unit tests and those of the webhook, the router and the command are the fourth,
all others the fifth. Coverage is counted in the last two, in their own processes: counting takes as much processor time
as the code itself, and what the other lanes run is the same code. What failed is named last.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
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
FOLDERS = {
    "stack": ["tests/e2e", "tests/integration/demo", "tests/integration/firewall"],
    "engine": ["tests/contracts", "tests/integration"],
    "edge": ["tests/integration/edge", "tests/integration/routes", "tests/integration/agent"],
    "web": ["tests/unit", "tests/integration/webhook", "tests/integration/router", "tests/integration/cli"],
    "others": ["tests/contracts", "tests/integration"],
}
"""Where each lane's tests are: to collect all tests five times would take a minute of a processor."""
COVERED = ("web", "others")
NOTHING_COLLECTED = 5
NAMED_AT_THE_END = 40
CHARACTERS_OF_A_NAME = 250


@dataclass
class Lane:
    """One pytest beside others; its lines are printed as they come, each with the lane's name."""

    name: str
    selection: str
    arguments: list[str]
    coverage: Path
    process: subprocess.Popen[str] = field(init=False)
    reader: threading.Thread = field(init=False)
    failures: list[str] = field(default_factory=list)
    """Lines of pytest's summary."""

    def start(self) -> None:
        counting = ["-m", "coverage", "run"] if self.name in COVERED else []
        argv = [sys.executable, *counting, "-m", "pytest", "-m", self.selection, "--durations=25"]
        self.process = subprocess.Popen(
            [*argv, *(self.arguments or FOLDERS[self.name])],
            cwd=ROOT,
            env=os.environ | {"COVERAGE_FILE": str(self.coverage)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        self.reader = threading.Thread(target=self._print, name=self.name)
        self.reader.start()

    def wait(self) -> int:
        self.reader.join()
        return self.process.wait()

    def _print(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            print(f"{self.name}: {line}", end="", flush=True)
            if line.startswith(("FAILED ", "ERROR ")):
                self.failures.append(f"{self.name}: {line.strip()[:CHARACTERS_OF_A_NAME]}")


def main(arguments: list[str]) -> int:
    """Exit code 0: all lanes passed, and enough is covered."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="slipway-coverage-") as folder:
        lanes = [Lane(name, selection, arguments, Path(folder, ".coverage")) for name, selection in LANES.items()]
        for lane in lanes:
            lane.start()
        codes = {lane.name: lane.wait() for lane in lanes}
        subprocess.run([sys.executable, "-m", "coverage", "combine", "--quiet", folder], cwd=ROOT, check=True)
    covered = subprocess.run([sys.executable, "-m", "coverage", "report"], cwd=ROOT, check=False).returncode == 0
    failed = [name for name, code in codes.items() if code not in (0, NOTHING_COLLECTED)]
    said = ", ".join(f"{name} {'failed' if name in failed else 'passed'}" for name in codes)
    print("\n" + "\n".join([line for lane in lanes for line in lane.failures][:NAMED_AT_THE_END]))
    print(f"{said}; coverage {'reached' if covered else 'missed'}; {time.monotonic() - started:.0f} s")
    return 0 if covered and not failed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
