"""What a site never publishes."""

from __future__ import annotations

import re

import pytest

from slipway.core.build import published_files
from slipway.core.build.templates.static_site import named_site
from slipway.core.build.templates.template import BaseImages, Sources

WITHHELD = (
    *(".env", ".git/config", "a/.git/HEAD", ".htpasswd", ".DS_Store", ".well-known/.secret", ".well-knownish"),
    *("config.php", "CONFIG.PHP", "a/b/config.php", "config.php.bak", "config.php~", "config.php.txt", "x.php.1"),
    *("index.html~", "index.html.bak", "#index.html#", "site.old", "page.orig", ".index.html.swp"),
    *("dump.sql", "dump.sql.gz", "DUMP.SQL.ZIP", "users.sqlite3", "backup-2024.tar.gz", "debug.log"),
    *("tls.pem", "tls.key", "id_rsa", "store.jks", "prod.env", "credentials.json", "a-credentials.json"),
    *("secrets.yml", "terraform.tfstate", "settings.ini", "database.yml", "wp-config.php", "wp-config.php.txt"),
    *("Dockerfile", "dockerfile", "Dockerfile.prod", "web.Dockerfile", "docker-compose.yml", "slipway.toml"),
    *("Procfile", "Makefile", "package.json", "package-lock.json", "Gemfile", "composer.lock", "requirements.txt"),
    *("Dockerfile.web", "Dockerfile-prod", "docker/Dockerfile.web.j2", "Procfile.dev", "serverless.yml", "app.yaml"),
    *("appsettings.json", "appsettings.Production.json", "local.settings.json", "application.properties"),
    *("application.yml", "application-prod.yml", "group_vars/vault.yml", "prod-vault.yaml", "vault.hcl", "Caddyfile"),
    *("terraform.tfstate.backup", "prod.tfvars.json", "client_secret_1.json", "credentials", "a.sqlite3-wal"),
    *("page.pug", "page.haml", "page.twig", "page.slim", "page.njk", "page.liquid", "page.html.erb"),
    *(
        "compose.prod.yml",
        "tailwind.config.js",
        "node_modules/x/index.js",
        "a/node_modules/x.css",
        "__pycache__/x",
        "login.jsp",
        "form.cgi",
        "web.config",
    ),
)
SERVED = (
    *("index.html", "a/index.html", "app.js", "app.js.map", "style.css", "logo.svg", "data.json", "feed.xml"),
    *(".well-known/security.txt", "a/.well-known/x", "openapi.yaml", "manifest.webmanifest", "CNAME", "robots.txt"),
    *(
        "php.html",
        "sql/index.html",
        "guide.php.html",
        "dockerfile.html",
        "dockerfile/index.html",
        "secrets.html",
        "a.php/index.html",
    ),
    *("manifest.json", "sitemap.xml", "robots.txt", "data/config.json", "locales/en/auth.json", "locale/de.properties"),
    *("app.css.map", ".well-known/assetlinks.json", "api.yaml", "_redirects", "_headers", "browserconfig.xml"),
    *("dockerfile-guide.html", "Dockerfile.md", "procfile.html", "caddyfile/index.html", "credentials/index.html"),
    *("app.config.js", "vault.html", "vault/index.html", "settings.json", "film/1.ts", "item.mustache", "ads.txt"),
    *("key.svg", "package.html", "file.zip", "module.wasm", "KEY.gpg", "book.pdf", "old.html", "log.html"),
)


@pytest.mark.parametrize("is_named", [True, False])
@pytest.mark.parametrize("path", WITHHELD)
def test_what_no_site_publishes_is_withheld(path: str, is_named: bool) -> None:
    assert re.search(published_files.expression(published_files.withheld(is_named=is_named)), f"/{path}")


@pytest.mark.parametrize("path", SERVED)
def test_what_sites_publish_is_served(path: str) -> None:
    assert not re.search(published_files.expression(published_files.withheld(is_named=False)), f"/{path}")


def test_scripts_are_served_where_the_folder_was_named() -> None:
    named, found = (published_files.withheld(is_named=each) for each in (True, False))
    assert not re.search(published_files.expression(named), "/install.sh")
    assert re.search(published_files.expression(found), "/install.sh")


def test_the_ignore_file_is_about_the_same_names() -> None:
    lines = published_files.ignore_lines(published_files.NEVER).splitlines()
    assert {"**/*.[pP][hH][pP]", "**/[nN][oO][dD][eE]_[mM][oO][dD][uU][lL][eE][sS]", "**/*~"} <= set(lines)
    assert "**/.*" not in lines, "hidden files have lines of their own"
    assert "**/[dD][oO][cC][kK][eE][rR][fF][iI][lL][eE]" not in lines, "a folder of pages may be called like it"


def named(*paths: str) -> tuple[str, ...]:
    return named_site(Sources(frozenset(paths), {}), BaseImages("python", "python")).notes


def test_the_log_names_what_is_withheld_and_what_is_published_all_the_same() -> None:
    assert named("index.html", "a.css") == ()
    [withheld] = named("index.html", "db.sql", "config.php", ".git/config")
    assert withheld.endswith("config.php, db.sql")
    assert named("index.html", "example.py")[0].endswith("example.py")
    assert named("files/a.zip") == ("[static] root has no index.html: / answers 404",)
