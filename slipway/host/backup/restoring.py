"""`make restore`: an installation out of a backup, in a state folder that holds none yet."""

from __future__ import annotations

import itertools
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from slipway import migrations
from slipway.errors import HostUnready
from slipway.host.backup import app_volumes, new_host, release_images, secret
from slipway.host.backup.archive.manifest import Manifest, Volume, describe
from slipway.host.backup.archive.sealed_file import BackupRefused
from slipway.host.backup.archive.unpacking import opened, verified, write_member
from slipway.host.backup.database import (
    POSTGRESQL,
    SQLITE,
    connected,
    count_rows,
    in_one_file,
    owner_url,
    postgresql_environment,
    postgresql_name,
)
from slipway.host.backup.frozen import keycloak_folder
from slipway.host.backup.piping import input_of
from slipway.host.backup.release_images import EngineClient
from slipway.host.commands import Commands
from slipway.host.install import folders
from slipway.settings import Settings

Entry = tuple[tarfile.TarInfo, IO[bytes] | None]
RESTORED_SETTINGS = "restored-settings"
"""The folder with the old host's settings, to read."""
_FOLDERS = ("certbot", "certificates", RESTORED_SETTINGS, "keys")
"""In the order in which they come to their places."""
_TAKEN = ("keys", "certificates", "certbot", "keycloak", "redis", "slipway.db")
_OF_SQLITE = ("", "-wal", "-shm", "-journal")
"""A journal that a killed host left would be played into the restored database."""
_ASIDE = "restoring-"
_VOLUMES_MADE = "volumes-made"


@dataclass(frozen=True, slots=True)
class Restore:
    """One restore into an installation's state folder and database."""

    settings: Settings
    commands: Commands
    say: Callable[[str], None]
    secret_file: Path | None = None

    def run(self, file: Path) -> Manifest:
        """Look at everything first, unpack beside, then put it in place.

        Raises:
            BackupRefused: the file is not as it was written, or is of a newer Slipway. Nothing was written.
            HostUnready: something is there already, or a part can't be put in place; what was unpacked is removed.
        """
        self._check_empty()
        key = secret.to_read(self.settings, self.secret_file)
        said = verified(file, key)
        self._check_fits(said)
        self.say(describe(said))
        state = self.settings.state_dir
        state.mkdir(mode=0o711, parents=True, exist_ok=True)
        state.chmod(0o711)
        with tempfile.TemporaryDirectory(prefix=_ASIDE, dir=state) as folder:
            aside = Path(folder)
            try:
                self._unpack(file, key, said, aside)
                _rewrite_paths(aside / "certbot", said.state_dir, str(state))
                self._restore_database(said, aside)
                self._move_in(aside)
            except BaseException as error:
                self._remove_volumes(aside)
                if isinstance(error, OSError):
                    raise HostUnready(
                        f"the restore can't go on: {error}", remedy="fix that, then run it again"
                    ) from error
                raise
        self._report(said)
        return said

    def _check_empty(self) -> None:
        if not self.commands.is_root():
            raise HostUnready("a restore puts the platform's keys in place", remedy="run: sudo -E make restore")
        folders.check_socket_paths(self.settings)
        state = self.settings.state_dir
        found = [name for name in _TAKEN if (state / name).exists()]
        if found:
            raise HostUnready(
                f"{state} holds an installation already ({', '.join(found)}); a restore overwrites nothing",
                remedy="set SLIPWAY_STATE_DIR to an empty folder, or take that installation off the host: "
                "make remove STATE=1",
            )
        for left in state.glob(f"{_ASIDE}*"):  # of a restore that was killed
            self._remove_volumes(left)
            shutil.rmtree(left)
        self._check_empty_database()

    def _check_empty_database(self) -> None:
        url = owner_url(self.settings)
        if url.get_backend_name() == SQLITE:
            if any(Path(f"{url.database}{each}").exists() for each in _OF_SQLITE):
                raise HostUnready(f"{url.database} exists already", remedy="a restore overwrites nothing: move it away")
            return
        with connected(url) as connection:
            tables = count_rows(connection)
        if tables:
            raise HostUnready(
                f"the database {url.database} holds tables already; a restore overwrites nothing",
                remedy="create an empty one, and name it in SLIPWAY_DATABASE_URL and SLIPWAY_DATABASE_OWNER_URL",
            )

    def _check_fits(self, said: Manifest) -> None:
        newest = migrations.newest()
        if int(said.schema) > int(newest):
            raise BackupRefused(
                f"the backup has schema {said.schema}, and this Slipway knows {newest} at most",
                remedy=f"restore it with Slipway {said.version} or newer",
            )
        kind = owner_url(self.settings).get_backend_name()
        if said.database != kind:
            raise BackupRefused(
                f"the backup holds a database of {said.database}, and the settings name one of {kind}",
                remedy="set SLIPWAY_DATABASE_URL to one of the same kind",
            )

    def _unpack(self, file: Path, key: bytes, said: Manifest, aside: Path) -> None:
        volumes = {each.id: each for each in said.volumes}
        with opened(file, key) as members:
            for stream, entries in itertools.groupby(members, key=lambda entry: _stream_of(entry[0].name)):
                kind, _, name = stream.partition("/")
                if kind == app_volumes.FOLDER:
                    self._fill_volume(volumes[name], entries, aside)
                else:
                    self._unpack_stream(stream, entries, aside)

    def _unpack_stream(self, stream: str, entries: Iterable[Entry], aside: Path) -> None:
        kind = stream.partition("/")[0]
        if kind == "database":
            _join(entries, aside / "database")
        elif kind == "keycloak":
            _join(entries, aside / stream)
        elif kind == release_images.FOLDER:
            self._load_images(entries)
        else:
            for about, content in entries:
                if kind == "settings":
                    about.name = f"{RESTORED_SETTINGS}/{Path(about.name).name}"
                if about.name.split("/")[0] in _FOLDERS:
                    write_member(about, content, aside)

    def _load_images(self, entries: Iterable[Entry]) -> None:
        client = EngineClient(self.settings, self.commands)
        with input_of(client.argv("image", "load", "--quiet")) as sink:
            _copy(entries, sink)

    def _fill_volume(self, volume: Volume, entries: Iterable[Entry], aside: Path) -> None:
        """One that is there may hold newer data: it stays as it is."""
        client = EngineClient(self.settings, self.commands)
        if app_volumes.exists(client, volume):
            self.say(f"kept      volume {volume.id}, which is there already")
            return
        with (aside / _VOLUMES_MADE).open("a") as made:
            made.write(f"{volume.id}\n")
        with app_volumes.filling(client, volume) as sink:
            _copy(entries, sink)

    def _remove_volumes(self, aside: Path) -> None:
        """Those that a restore made which then failed."""
        made = aside / _VOLUMES_MADE
        for volume_id in made.read_text().split() if made.exists() else ():
            app_volumes.remove(EngineClient(self.settings, self.commands), volume_id)

    def _restore_database(self, said: Manifest, aside: Path) -> None:
        url = owner_url(self.settings)
        if said.database == POSTGRESQL:
            _pg_restore(self.settings, aside / "database")
        else:
            url = url.set(database=str(aside / "database"))
        with connected(url) as connection:
            rows = count_rows(connection)
        if rows != said.rows:
            raise BackupRefused("the restored database does not have the rows that the backup's manifest counts")
        new_host.settle(url)

    def _move_in(self, aside: Path) -> None:
        """The keys come last: `make up` starts nothing on a database without them."""
        url = owner_url(self.settings)
        if url.get_backend_name() == SQLITE:
            in_one_file(aside / "database")
            shutil.move(aside / "database", Path(url.database or ""))
        if (aside / "keycloak").exists():
            files = keycloak_folder(self.settings)
            files.parent.mkdir(mode=0o700)
            (aside / "keycloak").rename(files)
        for name in _FOLDERS:
            if (aside / name).exists():
                (aside / name).rename(self.settings.state_dir / name)

    def _report(self, said: Manifest) -> None:
        self.say(f"restored  into {self.settings.state_dir}; the old settings are in {RESTORED_SETTINGS}, to read")
        client = EngineClient(self.settings, self.commands)
        lacking = release_images.unlike(client, said.images) if said.images else []
        for name in [*said.images_missing, *lacking]:
            self.say(f"missing   the image {name}: its app starts once it is deployed again")
        if not said.with_images:
            self.say("missing   all images: slipway deploy -a APP builds one anew, for each app")
        if not said.with_volumes:
            self.say("missing   apps' volumes: they start with empty ones")
        if said.instance != self.settings.instance:
            self.say(f"named     {self.settings.instance} from now on; the backup's name was {said.instance}")
        self.say("next      make up")


def _stream_of(name: str) -> str:
    """What the members of one stream have in common."""
    parts = name.split("/")
    return "/".join(parts[:2]) if parts[0] in ("keycloak", "volumes") else parts[0]


def _join(entries: Iterable[Entry], to: Path) -> None:
    to.parent.mkdir(mode=0o700, exist_ok=True)
    with to.open("wb") as file:
        _copy(entries, file)
    to.chmod(0o600)


def _copy(entries: Iterable[Entry], sink: IO[bytes]) -> None:
    for _, content in entries:
        if content is not None:
            shutil.copyfileobj(content, sink)


def _pg_restore(settings: Settings, dump: Path) -> None:
    """All of it or nothing."""
    url = owner_url(settings)
    how = ("--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges", "--no-password")
    argv = ["pg_restore", *how, f"--dbname={postgresql_name(url)}"]
    with closing(dump.open("rb")) as source, input_of(argv, postgresql_environment(url)) as sink:
        shutil.copyfileobj(source, sink)


def _rewrite_paths(certbot: Path, old: str, new: str) -> None:
    """certbot's notes on renewing name its files by their whole paths."""
    for conf in certbot.glob("renewal/*.conf"):
        conf.write_text(conf.read_text().replace(f"{old}/", f"{new}/"))
