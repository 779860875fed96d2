"""Keycloak's distribution on this host: fetched once by Maven, compared with the checksum that stands here, unpacked
beside the platform's state with Slipway's theme and providers, and made ready by Keycloak's own `build`."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from slipway.errors import HostUnready
from slipway.host.commands import Commands

VERSION = "26.7.3"
SHA256 = "27a6535553c3cdcd083872ba40629efafb3475e3b758e0c6f691395561dd0f1f"
"""Of keycloak-quarkus-dist-26.7.3.zip."""
BUILD_OPTIONS = (
    "--db=dev-file",
    "--health-enabled=true",
    # What Slipway never uses and advisories are about: docs/guide/sign-on.md.
    "--features-disabled=ciba,impersonation,kerberos",
    "--spi-login-protocol--saml--enabled=false",
)
THEME = "slipway"
_ARTIFACT = f"org.keycloak:keycloak-quarkus-dist:{VERSION}:zip"
_MAVEN_PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy"
_PROVIDERS = "slipway-keycloak-providers.jar"
_MAVEN = ("mvn", "--batch-mode", "--quiet", "--strict-checksums")
_MAVEN_REMEDY = "see what Maven says above; it follows its own settings (~/.m2/settings.xml)"
_FETCH_TIMEOUT_S = 1800
_BUILD_TIMEOUT_S = 1800
_READY = "slipway-ready"
"""This file is the last that is written into a distribution."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """Keycloak as it runs here, in a folder whose name changes with its version, theme, providers and build options."""

    commands: Commands
    cache: Path
    themes: Path
    """Where the checkout has its themes."""
    providers: Path
    """Where it has the sources of what Slipway adds to Keycloak, a Maven project."""

    @property
    def folder(self) -> Path:
        return self.cache / f"keycloak-{VERSION}-{self._mark}"

    @property
    def program(self) -> Path:
        return self.folder / "bin" / "kc.sh"

    @property
    def is_ready(self) -> bool:
        return (self.folder / _READY).exists()

    def ensure(self, say: Callable[[str], None]) -> bool:
        """Have it ready; returns whether anything was done.

        Raises:
            HostUnready: it can't be fetched, is not what the checksum says, or it or its providers can't be built.
        """
        if self.is_ready:
            return False
        self.cache.mkdir(mode=0o700, parents=True, exist_ok=True)
        say(f"Keycloak {VERSION}: fetching 177 MB by Maven, and building it with Slipway's theme (two minutes) …")
        self._remove_old()
        with tempfile.TemporaryDirectory(dir=self.cache, prefix="fetch-") as fetched:
            providers = self._built_providers(Path(fetched) / "providers")
            self._unpack(self._fetch(Path(fetched)), Path(fetched))
            shutil.copy(providers, self.folder / "providers")
        shutil.copytree(self.themes / THEME, self.folder / "themes" / THEME)
        self._build()
        (self.folder / _READY).touch()
        return True

    def _remove_old(self) -> None:
        """All but the newest of the others, which may be the one that runs until the next `make up`."""
        found = sorted(self.cache.glob("keycloak-*"), key=lambda folder: folder.stat().st_mtime)
        ready = [folder for folder in found if (folder / _READY).exists()]
        for each in found:
            if each not in ready[-1:]:
                shutil.rmtree(each)

    def _fetch(self, into: Path) -> Path:
        # Maven keeps what it fetched in its own repository: a changed theme fetches nothing again.
        self._run_maven(_MAVEN_PLUGIN, f"-Dartifact={_ARTIFACT}", f"-DoutputDirectory={into}")
        archive = into / f"keycloak-quarkus-dist-{VERSION}.zip"
        check(archive, SHA256)
        return archive

    def _built_providers(self, into: Path) -> Path:
        """The archive of Slipway's providers. Their tests are for who changes them: `make test-keycloak`."""
        for file in self._sources:
            copy = into / file.relative_to(self.providers)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, copy)
        self._run_maven("--file", str(into / "pom.xml"), "-Dmaven.test.skip=true", "package")
        return into / "target" / _PROVIDERS

    def _run_maven(self, *arguments: str) -> None:
        self.commands.must([*_MAVEN, *arguments], timeout_s=_FETCH_TIMEOUT_S, remedy=_MAVEN_REMEDY)

    def _unpack(self, archive: Path, beside: Path) -> None:
        with zipfile.ZipFile(archive) as contents:
            contents.extractall(beside)
        unpacked = beside / f"keycloak-{VERSION}"
        (unpacked / "bin" / "kc.sh").chmod(0o755)
        unpacked.replace(self.folder)

    def _build(self) -> None:
        argv = [str(self.program), "build", *BUILD_OPTIONS]
        self.commands.must(argv, timeout_s=_BUILD_TIMEOUT_S, remedy="see what Keycloak says above; Java 17 is needed")

    @property
    def _sources(self) -> list[Path]:
        """Without what Maven made of them in the checkout."""
        named = [self.providers / name for name in ("pom.xml", ".mvn/jvm.config")]
        return [*named, *_files_in(self.providers / "src" / "main")]

    @property
    def _mark(self) -> str:
        mark = hashlib.sha256("\0".join(BUILD_OPTIONS).encode())
        for above, files in ((self.themes, _files_in(self.themes / THEME)), (self.providers, self._sources)):
            for file in files:
                mark.update(str(file.relative_to(above)).encode() + b"\0" + file.read_bytes())
        return mark.hexdigest()[:12]


def _files_in(folder: Path) -> Iterator[Path]:
    yield from sorted(path for path in folder.rglob("*") if path.is_file())


def check(archive: Path, wanted: str) -> None:
    """Raises `HostUnready` when the file's SHA-256 is another one."""
    with archive.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != wanted:
        raise HostUnready(
            f"{archive.name} is not the file that was checked: its SHA-256 is {found}, not {wanted}",
            remedy="remove org/keycloak from Maven's repository (~/.m2/repository) and try again",
        )
