"""`python -m tests.lanes [pytest's arguments]`: the whole suite in two lanes side by side, and the coverage of both.

Tests that share the Docker Engine come one after the other in one lane (they look at what the Engine holds, and at its
firewall); all others are the other lane. Most tests wait most of the time, so that the lanes hardly slow each other.
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
LANES = {"engine": "engine or stack", "others": "not engine and not stack"}
NOTHING_COLLECTED = 5


@dataclass
class Lane:
    """One pytest beside others; its lines are printed as they come, each with the lane's name."""

    name: str
    selection: str
    arguments: list[str]
    coverage: Path
    process: subprocess.Popen[str] = field(init=False)
    reader: threading.Thread = field(init=False)

    def start(self) -> None:
        argv = [sys.executable, "-m", "coverage", "run", "-m", "pytest", "-m", self.selection, "--durations=15"]
        self.process = subprocess.Popen(
            [*argv, *self.arguments],
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


def main(arguments: list[str]) -> int:
    """Exit code 0: both lanes passed, and enough is covered."""
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="slipway-coverage-") as folder:
        lanes = [Lane(name, selection, arguments, Path(folder, ".coverage")) for name, selection in LANES.items()]
        for lane in lanes:
            lane.start()
        codes = {lane.name: lane.wait() for lane in lanes}
        subprocess.run([sys.executable, "-m", "coverage", "combine", "--quiet", folder], cwd=ROOT, check=True)
    covered = subprocess.run([sys.executable, "-m", "coverage", "report"], cwd=ROOT, check=False).returncode == 0
    failed = [name for name, code in codes.items() if code not in (0, NOTHING_COLLECTED)]
    said = ", ".join(f"{name} {'failed' if name in failed else 'passed'}" for name in codes)
    print(f"\n{said}; coverage {'reached' if covered else 'missed'}; {time.monotonic() - begun:.0f} s")
    return 0 if covered and not failed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
