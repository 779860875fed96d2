"""What an image's own VOLUMEs lose or hide, and when a deployment says so."""

from __future__ import annotations

import pytest

from slipway.core.build.image_volumes import ImageVolumes, around_program, image_notices


@pytest.mark.parametrize(
    ("path", "folder", "argv"),
    [
        ("/var/www/html", "/var/www/html", ()),
        ("/app/node_modules", "/app", ()),
        ("/app//node_modules/", "/app/", ()),
        ("/srv", "/srv/shop", ()),
        ("/opt/shop", "/", ("/opt/shop/bin/serve", "--port", "80")),
        ("/opt/shop", "", ("sh", "/opt/shop/start")),
    ],
)
def test_a_volume_at_above_or_below_the_program(path: str, folder: str, argv: tuple[str, ...]) -> None:
    assert len(around_program([path], folder, argv)) == 1


@pytest.mark.parametrize(
    ("path", "folder", "argv"),
    [
        ("/data", "/app", ("python", "serve.py")),
        ("/app-data", "/app", ()),
        ("/var/lib/postgresql/data", "/", ("docker-entrypoint.sh", "postgres")),
        ("/data", "", ("/usr/bin/serve", "/data.conf")),
        ("/opt/shop/data", "", ("/opt/shop/serve",)),
    ],
)
def test_a_volume_elsewhere(path: str, folder: str, argv: tuple[str, ...]) -> None:
    assert around_program([path], folder, argv) == []


@pytest.mark.parametrize("path", ["/var/lib/My Data", "/data/ü", "data", "/etc", "/" + "a" * 300, "/data:z"])
def test_what_cannot_be_kept_is_said(path: str) -> None:
    (notice,) = image_notices(ImageVolumes([path, "/data"]), (), {"/data": "data"})
    assert "can't be kept" in notice
    assert path[:80] in notice


@pytest.mark.parametrize(
    "path", ["/data//x", "/data/", "/data/../x", "/tmp", "/run/lock", "/sys/fs/cgroup", "/dev/shm"]
)
def test_nothing_is_said_of_what_is_kept_or_passes_by_its_nature(path: str) -> None:
    assert image_notices(ImageVolumes([path]), (), {}) == []


def test_what_is_hidden_is_said_of_an_images_own_volume_alone() -> None:
    image = ImageVolumes(["/app/", "/app/lib"], ["/app/", "/app/lib"])
    (notice,) = image_notices(image, ["/app/lib"], {"/app": "app", "/app/lib": "lib"})
    assert "files at /app are hidden by the volume app from the second deployment on" in notice
    assert "Remove VOLUME /app" in notice
