"""Ordinary values stay readable; what nobody could guess, what is called a secret and what is marked is masked."""

from __future__ import annotations

import base64
import random
import string
import uuid
from collections.abc import Callable

import pytest

from slipway.core.text.redaction import MASK, Redactor
from slipway.core.text.secret_values import is_ordinary, secret_values

ORDINARY = (
    *(
        "production",
        "staging",
        "python",
        "python3",
        "development",
        "true",
        "false",
        "INFO",
        "debug",
        "warning",
        "utf-8",
    ),
    *("8000", "1048576", "86400", "3.11", "v2.14.0", "30s", "256MB", "0.5", "10.0.0.5", "2026-11-30", "+49 30 123456"),
    *("en_US.UTF-8", "Europe/Berlin", "eu-west-1", "us-east-1a", "x86_64", "gpt-4o", "postgres16", "sqlite", "redis"),
    *("shop.settings.production", "app.main:app", "shop.example.org", "db.internal", "localhost:5432", "/var/lib/data"),
    *("https://api.example.org/v1", "redis://cache.internal:6379/0", "postgres://db.internal/shop", "ada@example.org"),
    *("gunicorn --bind 0.0.0.0:8000 app:app", "a,b,c", "*", "", "noreply", "kubernetes", "nginx", "camelCase", "SHOP"),
    *("application/json", "smtp.mailgun.org", "us-central1", "http", "console", "sentry", "disabled", "Asia/Tokyo"),
    *("docker", "container", "localhost", "127.0.0.1", "0.0.0.0", "shop,api,worker", "memory", "filesystem", "INFO"),
)


@pytest.mark.parametrize("value", ORDINARY)
def test_an_ordinary_value_stays_readable(value: str) -> None:
    assert secret_values({"SETTING": value}) == ()
    assert Redactor(secret_values({"SETTING": value})).line(f"no such {value} here") == f"no such {value} here"


def drawn(alphabet: str, size: int, seed: int) -> str:
    return "".join(random.Random(seed).choices(alphabet, k=size))


GUESSED = {
    "a password": "p@ss/word+42=very secret",
    "a word with much around it": "Tr0ub4dor&3",
    "a passphrase": "correct horse battery staple",
    "a passphrase with dashes": "correct-horse-battery-staple",
    "a key of AWS": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "a long number": "4111111111111111",
    "a webhook": "https://hooks.example.org/services/T00AB12CD/B00EF34GH/XXQz81kLmN02pQ",
    "a key in PEM": "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n-----END PRIVATE KEY-----",
    **{f"hex {seed}": drawn("0123456789abcdef", 32, seed) for seed in range(20)},
    **{f"letters and digits {seed}": drawn(string.ascii_letters + string.digits, 16, seed) for seed in range(40)},
    **{f"small letters {seed}": drawn(string.ascii_lowercase, 24, seed) for seed in range(40)},
    **{f"a UUID {seed}": str(uuid.UUID(int=random.Random(seed).getrandbits(128), version=4)) for seed in range(40)},
    **{f"base64 {seed}": base64.b64encode(random.Random(seed).randbytes(24)).decode() for seed in range(40)},
    **{f"digits {seed}": drawn(string.digits, 12, seed) for seed in range(10)},
}


@pytest.mark.parametrize("name", GUESSED)
def test_what_nobody_could_guess_is_secret_whatever_its_name(name: str) -> None:
    assert not is_ordinary(GUESSED[name])
    assert secret_values({"SETTING": GUESSED[name]}) == (GUESSED[name],)


@pytest.mark.parametrize(
    ("make", "most"),
    [
        (lambda draw: base64.urlsafe_b64encode(draw.randbytes(12)).decode().rstrip("="), 2),
        (lambda draw: base64.b64encode(draw.randbytes(15)).decode(), 2),
        (lambda draw: draw.randbytes(8).hex(), 0),
        (lambda draw: drawn(string.ascii_lowercase, 20, draw.getrandbits(64)), 4),
        (lambda draw: drawn(string.ascii_letters + string.digits, 12, draw.getrandbits(64)), 0),
    ],
)
def test_of_five_thousand_random_tokens_hardly_any_passes_for_words(
    make: Callable[[random.Random], str], most: int
) -> None:
    draw = random.Random(42)
    assert sum(is_ordinary(make(draw)) for _ in range(5000)) <= most


@pytest.mark.parametrize(
    "name",
    [
        *("PGPASSWORD", "MYSQLPASSWORD", "DBPASS", "SMTPPASS2", "AUTHTOKEN", "CLIENTSECRET", "APIKEY", "OPENAIAPIKEY"),
        *("dbPassword", "clientSecret", "accessToken", "apiKey", "privateKeyPem"),
        *("PASSWORD", "DB_PASSWORD", "DATABASE_PASS", "SECRET_KEY", "SECRET_KEY_BASE", "STRIPE_API_KEY", "API_TOKEN"),
        *(
            "GITHUB_TOKEN",
            "AWS_SECRET_ACCESS_KEY",
            "SMTP_PWD",
            "SENTRY_DSN",
            "MASTER_KEY",
            "db_password",
            "KEY2",
            "AUTH",
        ),
    ],
)
def test_a_name_that_says_so_makes_an_ordinary_value_secret(name: str) -> None:
    assert secret_values({name: "hunter"}) == ("hunter",)


@pytest.mark.parametrize("name", ["KEYBOARD", "MONKEY", "TOKENIZER", "AUTHOR", "PINNED", "COMPASS", "BYPASS"])
def test_a_name_that_only_contains_such_a_word_says_nothing(name: str) -> None:
    assert secret_values({name: "hunter"}) == ()


def test_what_is_marked_is_secret() -> None:
    variables = {"MODE": "production", "OTHER": "production-like"}
    assert secret_values(variables, marked=("MODE",)) == ("production",)


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("postgres://shop:hunter@db.internal:5432/shop", ("hunter",)),
        ("postgres://shop:hun%40ter@db.internal/shop", ("hun%40ter", "hun@ter")),
        ("https://deploying@example.org/x", ("deploying",)),
        ("postgres://db.internal/shop", ()),
    ],
)
def test_of_a_url_with_a_login_the_login_is_secret_and_the_host_readable(url: str, found: tuple[str, ...]) -> None:
    assert secret_values({"DATABASE": url}) == found


def test_the_password_of_a_url_is_masked_where_it_stands_alone_too() -> None:
    redact = Redactor(secret_values({"DATABASE": "postgres://shop:hunter22x@db.internal/shop"})).line
    assert redact("password hunter22x refused at db.internal") == f"password {MASK} refused at db.internal"
    assert redact("postgres://shop:hunter22x@db.internal/shop") == f"postgres://{MASK}@db.internal/shop"
