"""certbot's folder, as far as certbot leaves it to others: it cleans up nothing, and refuses to work on what a kill
left half-written.

Of a certificate ("lineage") it keeps `renewal/<name>.conf`, `archive/<name>/<kind><number>.pem` and links to the newest
of these in `live/<name>/`.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from urllib.parse import urlsplit

from slipway.core.certificates.pem import NotAPair, facts_of
from slipway.ports.authority import Pair

_KINDS = ("cert", "chain", "fullchain", "privkey")
_KEPT = 3
"""Issues of each certificate that stay in the archive."""
_ARCHIVED = re.compile(r"(?:cert|chain|fullchain|privkey)(\d+)\.pem")


class Lineages:
    def __init__(self, config_dir: Path) -> None:
        self._config_dir = config_dir

    def pair(self, name: str) -> Pair | None:
        """The newest certificate with its key. None: there is none that is whole."""
        live = self._config_dir / "live" / name
        try:
            pair = Pair((live / "fullchain.pem").read_bytes(), (live / "privkey.pem").read_bytes())
            facts_of(pair.fullchain, pair.key)
        except (OSError, NotAPair):
            return None
        return pair

    def prepare(self, name: str) -> None:
        """Before certbot runs: delete what is not whole, and issues that are old."""
        if not self._is_whole(name):
            self.delete(name)
        archive = self._config_dir / "archive" / name
        numbered = [(int(found[1]), file) for file in _files(archive) if (found := _ARCHIVED.fullmatch(file.name))]
        newest = max((number for number, _ in numbered), default=0)
        for number, file in numbered:
            if number <= newest - _KEPT:
                file.unlink()

    def delete(self, name: str) -> None:
        (self._config_dir / "renewal" / f"{name}.conf").unlink(missing_ok=True)
        for folder in ("live", "archive"):
            shutil.rmtree(self._config_dir / folder / name, ignore_errors=True)

    def forget_account(self, directory: str) -> bool:
        """Delete the account at an authority; False when there is none."""
        where = urlsplit(directory)
        folder = self._config_dir / "accounts" / f"{where.netloc}{where.path}"
        if not folder.is_dir():
            return False
        shutil.rmtree(folder)
        return True

    def _is_whole(self, name: str) -> bool:
        conf = self._config_dir / "renewal" / f"{name}.conf"
        live = self._config_dir / "live" / name
        linked = all((live / f"{kind}.pem").is_symlink() for kind in _KINDS)
        return linked and self.pair(name) is not None and conf.is_file() and b"[renewalparams]" in conf.read_bytes()


def _files(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.is_dir() else []
