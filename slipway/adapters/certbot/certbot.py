"""`slipway.ports.authority.Authority` by certbot, run as a program: one at a time, in a folder of its own."""

from __future__ import annotations

import errno
import fcntl
import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from slipway import settings
from slipway.adapters.certbot import report
from slipway.adapters.certbot.lineages import Lineages
from slipway.adapters.linux import processes
from slipway.core.certificates.failures import Reported
from slipway.core.certificates.names import is_address
from slipway.core.dns import delegation
from slipway.ports.authority import NotDone, Pair, Request, Window
from slipway.ports.building import Stopped
from slipway.settings import Settings

_MODULE = (sys.executable, "-m", "slipway.adapters.certbot")
_ISSUE_S = 240.0
"""Beside what certbot itself waits for: 90 s for the challenges, 90 s for the certificate."""
_ASK_S = 60.0
_TURN_S = 300.0
_SHORTLIVED = "shortlived"
"""The profile without which Let's Encrypt certifies no address."""
_REVOKED_ALREADY, _ACCOUNT_UNKNOWN = "alreadyRevoked", "accountDoesNotExist"


@dataclass(frozen=True, slots=True)
class DnsPlugin:
    """What sets records at a DNS provider; without a name the platform's own zone answers."""

    plugin: str = ""
    credentials: str = ""
    wait_s: int = 0


@dataclass(frozen=True, slots=True)
class Certbot:
    """As the settings of the platform say."""

    folder: Path
    email: str
    profile: str
    environment: Mapping[str, str]
    dns: DnsPlugin

    @classmethod
    def from_settings(cls, chosen: Settings) -> Certbot:
        environment = dict(settings.outbound())
        environment["SLIPWAY_REDIS_URL"] = chosen.redis_url
        environment["SLIPWAY_STATE_DIR"] = str(chosen.state_dir)
        environment["SLIPWAY_ACME_DNS_ZONE"] = chosen.acme_dns_zone
        environment["SLIPWAY_ACME_DNS_LISTEN"] = chosen.acme_dns_listen
        if chosen.acme_ca_bundle:
            environment["REQUESTS_CA_BUNDLE"] = chosen.acme_ca_bundle
        dns = DnsPlugin(chosen.acme_dns_plugin, chosen.acme_dns_credentials, chosen.acme_dns_wait_s)
        return cls(chosen.certbot_dir, chosen.acme_email, chosen.acme_profile, environment, dns)

    def issue(self, request: Request, stopped: Stopped) -> Pair:
        name = _lineage(request.certificate_id)
        with self._turn():
            self._lineages.prepare(name)
            before = self._lineages.pair(name)
            ended = self._run_certonly(name, request, stopped)
            pair = self._lineages.pair(name)
        if ended.code != 0 or pair is None or pair == before:
            raise NotDone(report.parse(ended.output))
        return pair

    def issued(self, certificate_id: int) -> Pair | None:
        return self._lineages.pair(_lineage(certificate_id))

    def window(self, pair: Pair, directory: str) -> Window:
        with _as_file(pair.fullchain, self._made()) as file:
            ended = self._run(["window", directory, str(file)], _ASK_S)
        if ended.code != 0:
            raise NotDone(report.parse(ended.output))
        said = json.loads(next(line for line in ended.output.splitlines() if line.startswith("{")))
        at = said["renew_at"]
        return Window(datetime.fromtimestamp(at, UTC) if at else None, datetime.fromtimestamp(said["again_at"], UTC))

    def revoke(self, pair: Pair, directory: str) -> None:
        with self._turn(), _as_file(pair.fullchain, self._made()) as file:
            options = ["--cert-path", str(file), "--reason", "cessationofoperation", "--no-delete-after-revoke"]
            ended = self._run(["certbot", "revoke", *self._common(directory), *options], _ASK_S)
        reported = report.parse(ended.output)
        if ended.code != 0 and not reported.type.endswith(_REVOKED_ALREADY):
            raise NotDone(reported)

    def forget(self, certificate_id: int) -> None:
        with self._turn():
            self._lineages.delete(_lineage(certificate_id))

    @property
    def _lineages(self) -> Lineages:
        return Lineages(self.folder / "config")

    def _made(self) -> Path:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self.folder

    def _run_certonly(self, name: str, request: Request, stopped: Stopped) -> processes.Ended:
        """An authority that was set up anew does not know our account: then we have another one made."""
        argv = ["certbot", *self._certonly(name, request)]
        ended = self._run(argv, _ISSUE_S, stopped)
        is_unknown = ended.code != 0 and report.parse(ended.output).type.endswith(_ACCOUNT_UNKNOWN)
        if is_unknown and self._lineages.forget_account(request.directory):
            ended = self._run(argv, _ISSUE_S, stopped)
        return ended

    def _certonly(self, name: str, request: Request) -> list[str]:
        addresses = [each for each in request.names if is_address(each)]
        profile = _SHORTLIVED if addresses else self.profile
        return [
            "certonly",
            *self._common(request.directory),
            *("--agree-tos", "--no-eff-email", "--no-autorenew", "--no-random-sleep-on-renew", "--force-renewal"),
            *(("--email", self.email) if self.email else ("--register-unsafely-without-email",)),
            *("--cert-name", name, "--key-type", "ecdsa"),
            *self._authenticator(request),
            *(("--preferred-profile", profile) if profile else ()),
            *(f"--domain={each}" for each in request.names if each not in addresses),
            *(f"--ip-address={each}" for each in addresses),
        ]

    def _authenticator(self, request: Request) -> tuple[str, ...]:
        if request.challenge == "http-01":
            return ("--authenticator", "slipway-edge", "--preferred-challenges", "http")
        dns = self.dns
        chosen = ("--preferred-challenges", "dns", "--authenticator", dns.plugin or "slipway-dns")
        if not dns.plugin:
            return (*chosen, "--slipway-dns-labels", delegation.written_labels(request.labels))
        credentials = (f"--{dns.plugin}-credentials", dns.credentials) if dns.credentials else ()
        return (*chosen, *credentials, f"--{dns.plugin}-propagation-seconds", str(dns.wait_s))

    def _common(self, directory: str) -> list[str]:
        folders = [f"--{each}-dir={self.folder / each}" for each in ("config", "work", "logs")]
        return ["--non-interactive", "--server", directory, "--max-log-backups", "20", *folders]

    def _run(self, arguments: Sequence[str], timeout_s: float, stopped: Stopped = processes.never) -> processes.Ended:
        argv, folder = [*_MODULE, *arguments], self._made()
        try:
            return processes.run(argv, env=self.environment, timeout_s=timeout_s, cwd=folder, stopped=stopped)
        except processes.TimedOut:
            raise NotDone(Reported(timed_out=True)) from None
        except OSError as error:
            raise NotDone(Reported(disk_full=error.errno == errno.ENOSPC, output=str(error))) from error

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """certbot refuses to run beside another one in the same folders. The lock goes with the process."""
        deadline = time.monotonic() + _TURN_S
        with (self._made() / "lock").open("ab") as lock:
            while not _locked(lock.fileno()):
                if time.monotonic() > deadline:
                    raise NotDone(Reported(timed_out=True))
                time.sleep(0.1)
            yield


def _lineage(certificate_id: int) -> str:
    return f"slipway-{certificate_id}"


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def _as_file(content: bytes, folder: Path) -> Iterator[Path]:
    with TemporaryDirectory(dir=folder) as made:
        file = Path(made) / "certificate.pem"
        file.write_bytes(content)
        yield file
