"""Steps of Dockerfiles that templates of several languages share."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence

BUILD = "build"
"""The name of the stage that builds."""
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
DATA_FOLDERS = (
    *("assets", "config", "data", "i18n", "locales", "migrations", "public", "resources", "static", "templates"),
    *("translations", "views", "web", "www"),
)
"""Folders that compiled programs read while they run."""


def run(argv: Sequence[str], *caches: str) -> str:
    """The step that runs a command. What it leaves in the folders `caches` is kept for the tenant's next build."""
    mounts = "".join(f"--mount=type=cache,target={folder} " for folder in caches)
    return f"RUN {mounts}{json.dumps(argv, ensure_ascii=False)}"


def shell(line: str, *caches: str) -> str:
    """The step that runs a line of a shell, which ends at its first failing command."""
    return run(["sh", "-ec", line], *caches)


def copy(*paths: str, to: str = "./", stage: str = "") -> str:
    """The step that copies paths of the context, or of another stage."""
    origin = f"--from={stage} " if stage else ""
    return f"COPY {origin}{json.dumps([*paths, to], ensure_ascii=False)}"


def stage(image: str, name: str = BUILD) -> str:
    return f"FROM {image} AS {name}"


def system_packages(names: Collection[str]) -> list[str]:
    """The step that installs Debian's packages; none where there is nothing to install."""
    if not names:
        return []
    install = f"apt-get install -y --no-install-recommends {' '.join(sorted(names))}"
    return [shell(f"apt-get update; {install}; rm -rf /var/lib/apt/lists/*")]


def data_folders(paths: Collection[str]) -> list[str]:
    """The steps that copy what a compiled program reads while it runs."""
    there = {path.split("/", 1)[0] for path in paths if "/" in path}
    return [copy(folder, to=f"/app/{folder}/") for folder in DATA_FOLDERS if folder in there]
