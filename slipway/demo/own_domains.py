"""The demo's domains of its own: one that stays, and one that is added and removed, each with its certificate."""

from __future__ import annotations

import http.client
import secrets
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from cryptography import x509

from slipway.demo.authority.process import AuthorityProcess
from slipway.demo.calls import Calls
from slipway.demo.progress import Progress
from slipway.demo.waiting import wait_for
from slipway.errors import DeploymentFailed
from slipway.host.install import default_certificate

TIMEOUT_S = 120.0
_ANSWER_S = 10.0


@dataclass(frozen=True, slots=True)
class Edge:
    """The edge's HTTPS listener, as a client of any host finds it."""

    address: str
    port: int
    token: str = ""
    """For what only members of a tenant may see."""

    def status(self, host: str, root: str) -> int:
        """Of `GET /`, where the chain leads to `root` and the certificate is for the host.

        Raises:
            OSError: no connection, or a certificate that is not trusted (`ssl.SSLCertVerificationError`).
        """
        connection = http.client.HTTPConnection(host, self.port, timeout=_ANSWER_S)
        with self._connect(host, ssl.create_default_context(cadata=root)) as connection.sock:
            connection.request("GET", "/", headers={"Authorization": f"Bearer {self.token}"} if self.token else {})
            return connection.getresponse().status

    def is_default(self, host: str) -> bool:
        """Whether a handshake for the host gets the certificate that is for no host."""
        untrusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        untrusting.check_hostname, untrusting.verify_mode = False, ssl.CERT_NONE
        with self._connect(host, untrusting) as connection:
            found = x509.load_der_x509_certificate(connection.getpeercert(binary_form=True) or b"")
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        return names.get_values_for_type(x509.DNSName) == [default_certificate.NAME]

    def _connect(self, host: str, context: ssl.SSLContext) -> ssl.SSLSocket:
        plain = socket.create_connection((self.address, self.port), timeout=_ANSWER_S)
        try:
            return context.wrap_socket(plain, server_hostname=host)
        except OSError:
            plain.close()
            raise


@dataclass(frozen=True, slots=True)
class OwnDomains:
    """One run, for an app that serves already."""

    platform: Calls
    authority: AuthorityProcess
    edge: Edge
    app: str
    progress: Progress
    _said: list[str] = field(default_factory=list)

    def run(self) -> str:
        """Show both domains. Returns the address at which the one that stays answers.

        Raises:
            DeploymentFailed: no certificate came, or it did not go; carries why, and what to do.
        """
        host = f"{self.app}.example.test"
        root = self.authority.pebble.root()
        if self._find(host) is None:
            self._add(host, root)
        else:
            self.progress.line(f"domain    {host}, from a demo before")
            self._await_https(host, root, time.monotonic(), "this demo asked")
        self._show_removal(f"brief-{secrets.token_hex(3)}.test", root)
        return f"https://{host}:{self.edge.port}/"

    def _add(self, host: str, root: str) -> None:
        began = time.monotonic()
        self.platform.post(self._path, host=host)
        self.progress.line(f"domain    {host}, added to {self.app}")
        self._await_https(host, root, began, "the domain was added")

    def _await_https(self, host: str, root: str, began: float, since: str) -> None:
        """Show the certificate's states as they pass, until the edge serves it."""
        last, statuses, self._said[:] = [""], [0], []

        def answers() -> bool:
            self._show_state(host, began)
            try:
                statuses[0] = self.edge.status(host, root)
            except (OSError, http.client.HTTPException) as error:
                last[0] = str(error)
                return False
            last[0] = f"HTTPS answers {statuses[0]}"
            return statuses[0] == http.client.OK

        if not wait_for(answers, TIMEOUT_S):
            raise self._no_certificate(host, last[0])
        self._show_state(host, began)
        seconds = time.monotonic() - began
        self.progress.line(
            f"https answered {statuses[0]}, chain verified against the authority's root, {seconds:.1f} s after {since}"
        )

    def _show_state(self, host: str, began: float) -> None:
        certificate = self._certificate(host)
        state = certificate["state"] + (f": {certificate['reason']}" if certificate["reason"] else "")
        if self._said[-1:] == [state]:
            return
        self._said.append(state)
        note = f"until {certificate['not_after'][:10]}" if certificate["not_after"] else certificate["detail"]
        mark = "✔" if certificate["state"] == "issued" else "·"
        self.progress.line(f"  {mark} {state:<8} {time.monotonic() - began:6.1f} s   {note}".rstrip())

    def _show_removal(self, host: str, root: str) -> None:
        self._add(host, root)
        serial = self._certificate(host)["serial"]
        self.platform.delete(f"{self._path}/{host}")
        began = time.monotonic()
        self.progress.line(f"domain    {host}, removed from {self.app}")
        self._await(lambda: self.edge.is_default(host), f"{host} is still served over HTTPS")
        self.progress.line(f"a handshake gets the certificate that is for no host, {_since(began)} after the removal")
        self._await(lambda: self.authority.pebble.revoked(serial), f"the certificate of {host} is not revoked")
        self.progress.line(f"the authority says that the certificate is revoked, {_since(began)} after the removal")

    def _await(self, condition: Callable[[], bool], otherwise: str) -> None:
        if not wait_for(condition, TIMEOUT_S):
            raise DeploymentFailed("not-removed", otherwise, remedy="see what runs: make status")

    def _find(self, host: str) -> dict[str, Any] | None:
        return next((each for each in self.platform.get(self._path)["domains"] if each["host"] == host), None)

    def _certificate(self, host: str) -> dict[str, Any]:
        found = self._find(host)
        if found is None or found["certificate"] is None:
            raise DeploymentFailed("no-https", f"{host} has no certificate", remedy="see what runs: make status")
        return dict(found["certificate"])

    def _no_certificate(self, host: str, answered: str) -> DeploymentFailed:
        certificate = self._certificate(host)
        said = f"{host} is {certificate['state']}; {certificate['detail'] or answered}"
        return DeploymentFailed(certificate["reason"] or "no-https", said, remedy=certificate["next_step"])

    @property
    def _path(self) -> str:
        return f"/api/apps/{self.app}/domains"


def _since(began: float) -> str:
    return f"{time.monotonic() - began:.1f} s"
