"""The certificate that the edge answers with where no other fits: it signs itself, and is for no host, so nobody who
looks takes it for a tenant's. Made once; what is lost or broken is made anew."""

from __future__ import annotations

import datetime
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from slipway.errors import HostUnready
from slipway.host.install import certificate

NAME = "slipway.invalid"
"""RFC 6761: nobody can have it."""
_YEARS = 30


@dataclass(frozen=True)
class Files:
    chain: Path
    key: Path


def files(certificate_dir: Path) -> Files:
    folder = certificate_dir / "default"
    return Files(folder / "fullchain.pem", folder / "key.pem")


def prepare(certificate_dir: Path) -> None:
    """Have the certificate there, and its folders closed to everybody else."""
    wanted = files(certificate_dir)
    for folder in (certificate_dir, wanted.chain.parent):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
    try:
        certificate.check(str(wanted.chain), str(wanted.key))
    except HostUnready:
        chain, key = _make()
        _write(wanted.key, key)
        _write(wanted.chain, chain)


def _make() -> tuple[bytes, bytes]:
    # Not at the top: what installs the package is run without it.
    from cryptography import x509  # noqa: PLC0415
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, NAME)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=365 * _YEARS))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return made.public_bytes(serialization.Encoding.PEM), key.private_bytes(*form)


def _write(path: Path, content: bytes) -> None:
    """Aside, then renamed; readable by its owner alone from the first byte on."""
    with tempfile.NamedTemporaryFile("wb", dir=path.parent, prefix=f".{path.name}.", delete=False) as aside:
        aside.write(content)
        aside.flush()
        os.fsync(aside.fileno())
    Path(aside.name).replace(path)
