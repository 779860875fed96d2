"""The base images that Dockerfiles start from, on a host that no image registry answers.

Where a registry answers nothing is made: builds pull what they name. Where none does, `debian:bookworm-slim` is made
from Debian's packages and `python:3.11-slim` from it, under the names and with the habits of the official ones, and
labelled `slipway.base=local`.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from slipway.errors import HostUnready
from slipway.host.commands import Commands

DEBIAN = "debian:bookworm-slim"
PYTHON = "python:3.11-slim"
LABEL = "slipway.base=local"
PROBE_IMAGE = "hello-world:latest"
PROBE_TIMEOUT_S = 5.0
ANSWER_KEPT_S = 24 * 3600
HOST_CERTIFICATES = Path("/usr/local/share/ca-certificates")
CA_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"

# What names a bundle to pip, Python, curl, git and node: they don't all look at the system's.
_CA_VARIABLES = (
    "PIP_CERT",
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "GIT_SSL_CAINFO",
    "NODE_EXTRA_CA_CERTS",
)
_SUPERFLUOUS = (
    "usr/share/doc",
    "usr/share/man",
    "usr/share/info",
    "usr/share/locale",
    "var/cache/apt",
    "var/lib/apt/lists",
)
_DPKG_SLIM = "".join(f"path-exclude /{folder}/*\n" for folder in _SUPERFLUOUS[:4])
_APT_CLEAN = """\
DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/*.bin || true"; };
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
Acquire::Languages "none";
"""
# A venv in /usr/local gives what the official image has: python, pip and site-packages under /usr/local, and no
# PEP 668 marker; system site packages keep `pip install --user` possible.
_PYTHON_DOCKERFILE = """\
FROM {debian}
ENV LANG=C.UTF-8 PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin
RUN apt-get update \\
 && apt-get install -y --no-install-recommends ca-certificates netbase tzdata python3 python3-venv \\
 && rm -rf /var/lib/apt/lists/* /usr/lib/python3*/EXTERNALLY-MANAGED \\
 && python3 -m venv --system-site-packages /usr/local \\
 && find /usr/lib/python3* /usr/local/lib -name __pycache__ -prune -exec rm -rf {{}} +
LABEL {label}
CMD ["python3"]
"""


@dataclass(frozen=True, slots=True)
class Names:
    """The names of the images that are made here; tests use others."""

    debian: str = DEBIAN
    python: str = PYTHON


class Images:
    """Base images of one Engine, by its client. `state_dir` keeps the registry's answer and debootstrap's work."""

    def __init__(
        self, commands: Commands, client: str, docker_host: str, state_dir: Path, names: Names | None = None
    ) -> None:
        self._commands = commands
        self._docker = [client, "--host", docker_host]
        self._state_dir = state_dir
        self._names = names or Names()

    def to_make(self) -> list[str]:
        """The images that are missing and can't be pulled either."""
        missing = [image for image in (self._names.debian, self._names.python) if not self.present(image)]
        return [] if missing and self.registry_answers() else missing

    def make(self, images: Iterable[str]) -> None:
        """Make these (of `to_make`).

        Raises:
            HostUnready: debootstrap is not there, or a step failed.
        """
        wanted = frozenset(images)
        if self._names.debian in wanted:
            self._make_debian(self._names.debian)
        if self._names.python in wanted:
            self._make_python()

    def present(self, image: str) -> bool:
        return self._commands.run([*self._docker, "image", "inspect", "--", image]).ok

    def registry_answers(self) -> bool:
        """Whether the Engine can pull; asked at most once a day."""
        kept = self._state_dir / "registry-answers"
        if kept.exists() and time.time() - kept.stat().st_mtime < ANSWER_KEPT_S:
            return kept.read_text() == "yes"
        had_it = self.present(PROBE_IMAGE)
        answers = self._commands.run([*self._docker, "pull", "--", PROBE_IMAGE], timeout_s=PROBE_TIMEOUT_S).ok
        if answers and not had_it:
            self._commands.run([*self._docker, "image", "rm", "--", PROBE_IMAGE])
        self._state_dir.mkdir(mode=0o711, parents=True, exist_ok=True)
        kept.write_text("yes" if answers else "no")
        return answers

    def _make_debian(self, tag: str) -> None:
        if self._commands.found("debootstrap") is None:
            raise HostUnready(
                f"no image registry answers, and {tag} can't be made without debootstrap",
                remedy="apt-get install debootstrap",
            )
        # Not in /dev/shm or /tmp: either may be mounted nodev or noexec, and then debootstrap refuses.
        with tempfile.TemporaryDirectory(prefix="debootstrap-", dir=self._state_dir) as folder:
            root = Path(folder) / "root"
            self._debootstrap(root)
            certificates = _copy_certificates(root)
            if certificates:
                self._commands.must(["chroot", str(root), "update-ca-certificates"], timeout_s=120)
            _slim(root)
            self._import(root, tag, certificates)

    def _debootstrap(self, root: Path) -> None:
        mirror = self._mirrors().get("bookworm", "")
        argv = ["debootstrap", "--variant=minbase", "--include=ca-certificates", "bookworm", str(root)]
        self._commands.must(
            [*argv, mirror] if mirror else argv,
            timeout_s=900,
            remedy="see what it printed; the host's Debian mirror has to answer",
        )
        lines = [f"deb {site} {release} main\n" for release, site in self._mirrors().items()]
        if lines:
            (root / "etc/apt/sources.list").write_text("".join(lines))

    def _mirrors(self) -> dict[str, str]:
        """Where the host itself gets bookworm, its updates and its security fixes: release → site."""
        wanted = "$(ORIGIN) $(COMPONENT) $(RELEASE) $(SITE)"
        listed = self._commands.run(["apt-get", "indextargets", "--format", wanted, "Created-By: Packages"])
        rows = [line.split() for line in listed.output.splitlines()]
        return {
            row[2]: row[3]
            for row in rows
            if len(row) == 4 and row[:2] == ["Debian", "main"] and row[2].startswith("bookworm")
        }

    def _import(self, root: Path, tag: str, certificates: Iterable[Path]) -> None:
        archive = root.with_suffix(".tar")
        self._commands.must(["tar", "--numeric-owner", "-C", str(root), "-cf", str(archive), "."], timeout_s=300)
        changes = ['CMD ["bash"]', f"LABEL {LABEL}"]
        if certificates:
            changes += [f"ENV {variable}={CA_BUNDLE}" for variable in _CA_VARIABLES]
        options = [part for change in changes for part in ("--change", change)]
        self._commands.must([*self._docker, "import", *options, str(archive), tag], timeout_s=300)

    def _make_python(self) -> None:
        self.build(_PYTHON_DOCKERFILE.format(debian=self._names.debian, label=LABEL), [self._names.python])

    def build(self, dockerfile: str, tags: Iterable[str]) -> None:
        """Build a Dockerfile that copies nothing from outside.

        Raises:
            HostUnready: a step failed.
        """
        with tempfile.TemporaryDirectory(prefix="base-image-") as folder:
            (Path(folder) / "Dockerfile").write_text(dockerfile)
            buildkit = ["env", "DOCKER_BUILDKIT=1", "BUILDKIT_PROGRESS=plain"]
            named = [part for tag in tags for part in ("--tag", tag)]
            self._commands.must([*buildkit, *self._docker, "build", *named, folder], timeout_s=900)


def _copy_certificates(root: Path) -> list[Path]:
    """The host's own authorities go into the image, so that what a build downloads is verified as on the host."""
    target = root / "usr/local/share/ca-certificates"
    target.mkdir(parents=True, exist_ok=True)
    return [Path(shutil.copy(found, target)) for found in sorted(HOST_CERTIFICATES.glob("*.crt"))]


def _slim(root: Path) -> None:
    (root / "etc/dpkg/dpkg.cfg.d/slim").write_text(_DPKG_SLIM)
    (root / "etc/apt/apt.conf.d/docker-clean").write_text(_APT_CLEAN)
    for folder in _SUPERFLUOUS:
        shutil.rmtree(root / folder, ignore_errors=True)
    for needed in ("var/cache/apt/archives/partial", "var/lib/apt/lists/partial"):
        (root / needed).mkdir(parents=True, exist_ok=True)
    for log in (root / "var/log").rglob("*"):
        if log.is_file():
            log.unlink()
