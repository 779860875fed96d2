"""The database of a Keycloak that works is copied, and another Keycloak starts with it."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from slipway.host.backup import frozen
from tests.fixtures.identity.keycloak import KeycloakServer
from tests.fixtures.waiting import eventually


@contextmanager
def people_coming(server: KeycloakServer) -> Iterator[list[str]]:
    """People are added without end; yields who is there."""
    stop = threading.Event()
    added: list[str] = []

    def add() -> None:
        while not stop.is_set():
            name = f"person-{len(added)}"
            server.in_realm("POST", "/users", {"username": name, "enabled": True})
            added.append(name)

    thread = threading.Thread(target=add)
    thread.start()
    try:
        yield added
    finally:
        stop.set()
        thread.join()


@pytest.fixture
def state(tmp_path_factory: pytest.TempPathFactory, server: KeycloakServer) -> Path:
    """A state folder with the same accounts, and no database."""
    folder = tmp_path_factory.mktemp("restored")
    shutil.copytree(server.settings.key_dir, folder / "keys")
    (folder / "cache").symlink_to((server.settings.state_dir / "cache").resolve())
    (folder / "keycloak").mkdir(mode=0o700)
    return folder


def test_a_copy_taken_while_people_are_added_has_all_that_were(peoples_realm: KeycloakServer, state: Path) -> None:
    restored = peoples_realm.beside(state)
    with people_coming(peoples_realm) as added:
        eventually(lambda: len(added) > 5, what="people are added")
        before = list(added)
        assert peoples_realm.process
        assert frozen._users_of(frozen.keycloak_folder(peoples_realm.settings)), "Java has the database open"
        frozen.copy(frozen.keycloak_folder(peoples_realm.settings), frozen.keycloak_folder(restored.settings))
        eventually(lambda: len(added) > len(before) + 5, what="people are added afterwards")
    try:
        restored.start()
        found = {each["username"] for each in restored.in_realm("GET", "/users?max=500&briefRepresentation=true")}
        assert found >= set(before)
    finally:
        restored.stop()
