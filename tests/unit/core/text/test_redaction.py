"""No secret stays in the text, in whatever form it is printed."""

from __future__ import annotations

import base64
import html
import json
import random
import shlex
from urllib.parse import quote

import pytest

from slipway.core.access import tokens
from slipway.core.text.redaction import MASK, Redactor, without_shapes

QUOTED = 'it\'s a "secret" & $more'
SECRET = "p@ss/word+42=very secret"
KEY = "-----BEGIN KEY-----\nQUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo\n-----END KEY-----"


@pytest.mark.parametrize(
    "printed",
    [
        SECRET,
        quote(SECRET, safe=""),
        quote(SECRET),
        base64.b64encode(SECRET.encode()).decode(),
        base64.urlsafe_b64encode(SECRET.encode()).decode(),
        base64.b64encode(b"user:" + SECRET.encode()).decode(),
        base64.b64encode(b"u:" + SECRET.encode() + b"\n").decode(),
    ],
)
def test_a_known_secret_is_masked_in_every_form(printed: str) -> None:
    redacted = Redactor([SECRET]).line(f"before {printed} after")
    assert MASK in redacted
    assert printed[4:-6] not in redacted
    assert redacted.startswith("before ")
    assert redacted.endswith(" after")


@pytest.mark.parametrize(
    "printed",
    [
        json.dumps(QUOTED),
        json.dumps({"password": QUOTED}),
        repr(QUOTED),
        shlex.quote(QUOTED),
        'it\\\'s\\ a\\ \\"secret\\"\\ \\&\\ \\$more',  # printf %q
        "'it'\\''s a \"secret\" & $more'",  # bash -x
        html.escape(QUOTED),
        html.escape(QUOTED, quote=False),
        quote(QUOTED).lower(),
        QUOTED.encode().hex(),
        QUOTED.encode().hex().upper(),
    ],
)
def test_a_known_secret_is_masked_however_it_is_escaped(printed: str) -> None:
    redacted = Redactor([QUOTED]).line(f"before {printed} after")
    assert MASK in redacted
    assert "secret" not in redacted
    assert "more" not in redacted
    assert QUOTED.encode().hex()[4:20] not in redacted.lower()


def test_non_ascii_secrets_are_masked_in_both_ways_that_json_has() -> None:
    secret = "großes Geheimnis"
    redact = Redactor([secret]).line
    assert "Geheimnis" not in redact(json.dumps(secret)) + redact(json.dumps(secret, ensure_ascii=False))


def test_each_line_of_a_key_is_masked() -> None:
    redactor = Redactor([KEY])
    assert "QUJDREVG" not in redactor.text(f"the key:\n{KEY}\n")


def test_a_secret_split_over_lines_is_masked_on_both() -> None:
    redactor = Redactor(["abcdefghijklmnopqrstuvwxyz0123456789"])
    assert redactor.line("#8 0.5 value: abcdefghijklmno") == f"#8 0.5 value: {MASK}"
    assert redactor.line("#8 0.5 pqrstuvwxyz01") == f"#8 0.5 {MASK}"
    assert redactor.line("#8 0.5 23456789 and more") == f"#8 0.5 {MASK} and more"
    assert redactor.line("#8 0.5 pqrstuvw") == "#8 0.5 pqrstuvw"


def folded(text: str, width: int) -> list[str]:
    return [text[start : start + width] for start in range(0, len(text), width)]


@pytest.mark.parametrize("width", [*range(2, 14), 30, 76])
@pytest.mark.parametrize("before", ["", "token=", "the password is: "])
def test_of_a_folded_secret_only_the_first_seven_characters_can_be_seen(width: int, before: str) -> None:
    secret = "Zq3" + "".join(random.Random(7).choices("abcdefghijklmnopqrstuvwxyz0123456789", k=40))
    redactor = Redactor([secret])
    lines = [redactor.line(f"#8 0.{number} {part}") for number, part in enumerate(folded(before + secret + "!", width))]
    seen = "".join(line.split(" ", 2)[2].replace(MASK, "") for line in lines)
    assert seen.startswith(before)
    assert seen.endswith("!")
    assert len(seen) <= len(before) + 7 + 1


@pytest.mark.parametrize("width", [4, 7, 8, 20])
def test_a_secret_that_is_folded_by_itself_is_gone_from_the_first_line(width: int) -> None:
    secret = "hunter2-hunter3-hunter4"
    redacted = Redactor([secret]).text("\n".join(folded(secret, width)))
    assert set(redacted.split("\n")) == {MASK}


def test_steps_that_print_side_by_side_do_not_hide_what_is_split() -> None:
    redactor = Redactor(["abcdefghijklmnopqrstuvwxyz"])
    given = ("#8 0.5 abcdefghijkl", "#9 0.5 other words", "#8 0.6 mnopqrs", "#9 0.6 and more", "#8 0.7 tuvwxyz")
    lines = [redactor.line(text) for text in given]
    assert lines == ["#8 0.5 " + MASK, "#9 0.5 other words", "#8 0.6 " + MASK, "#9 0.6 and more", "#8 0.7 " + MASK]


def test_base64_that_is_wrapped_is_masked() -> None:
    secret = "a long secret, so that its base64 has more than one line: 0123456789 0123456789 0123456789"
    wrapped = base64.encodebytes(secret.encode()).decode()
    assert set("".join(Redactor([secret]).text(wrapped).split())) <= {*MASK, *wrapped.replace("\n", "")[-4:]}


def test_a_sentence_does_not_disturb_the_stream() -> None:
    redactor = Redactor(["abcdefghijklmnopqrstuvwxyz"])
    redactor.line("abcdefghijkl")
    assert redactor.text("nothing here") == "nothing here"
    assert redactor.line("mnopqrstuvwxyz") == MASK


def test_windows_line_ends_do_not_hide_what_is_split() -> None:
    assert Redactor(["abcdefghijklmnop"]).text("abcdefgh\r\nijklmnop\r") == f"{MASK}\n{MASK}"


def test_ordinary_lines_stay_though_secrets_begin_like_their_ends() -> None:
    lines = ["copying files", "s", "post", "the host", "http", "done: postgres", "x"]
    assert Redactor(["postgres://db.internal/shop", "secret-value"]).text("\n".join(lines)).split("\n") == [
        *("copying files", "s", MASK, "the host", "http"),
        *(f"done: {MASK}", "x"),
    ]


PEM_LINES = ("Proc-Type: 4,ENCRYPTED", "", "QUJDREVGR0hJSg==", "S1RMTU5PUA==")
PEM = "\n".join(["-----BEGIN RSA PRIVATE KEY-----", *PEM_LINES, "-----END RSA PRIVATE KEY-----"])


def test_a_private_key_that_nobody_registered_is_masked_and_nothing_after_it() -> None:
    redactor = Redactor()
    lines = [redactor.line(f"#8 0.5 {line}") for line in [*PEM.split("\n"), "and on"]]
    assert lines == [f"#8 0.5 {MASK}"] * 6 + ["#8 0.5 and on"]
    assert without_shapes(f"key {PEM} end") == f"key {MASK} end"
    cut = Redactor().text("-----BEGIN PRIVATE KEY-----\nQUJDREVG\nERROR: no more\nQUJDREVG")
    assert cut == f"{MASK}\n{MASK}\nERROR: no more\nQUJDREVG"


@pytest.mark.parametrize("prefix", [tokens.PREFIX, tokens.HOOK_PREFIX])
@pytest.mark.parametrize("before", ["", "token: ", "SLIPWAY_TOKEN=", "x_", '{"token": "'])
def test_the_platforms_own_secrets_are_known_by_their_shape(prefix: str, before: str) -> None:
    assert without_shapes(f"{before}{prefix}{'x-Y_9' * 8} after") == f"{before}{MASK} after"


BEFORE = ("\n", "\t", "\x1b[32m", "\\n", "\\t", "\\u001b[32m", "%3D", "%20", "%0A", "x", "7", "_", "é")
SHAPED = (
    *("slw_" + "aB3-" * 8, "slwh_" + "aB3_" * 8, "slwi_" + "aB3_" * 8),
    *("github_pat_" + "aB3_" * 6, "glpat-" + "aB3_" * 6),
    *(f"gh{kind}_" + "aB3d" * 6 for kind in "pousr"),
    *("xoxb-" + "aB3d" * 3, "xoxp-" + "aB3d" * 3, "sk_live_" + "aB3d" * 5, "rk_live_" + "aB3d" * 5),
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
)


@pytest.mark.parametrize("before", BEFORE)
@pytest.mark.parametrize("shaped", SHAPED)
def test_a_shape_that_is_unique_is_masked_whatever_stands_before_it(before: str, shaped: str) -> None:
    assert without_shapes(f"{before}{shaped} after") == f"{before}{MASK} after"


@pytest.mark.parametrize("before", ["\n", "\t", "\x1b[32m", "\\n", "%3D", "%20", "x", "_"])
@pytest.mark.parametrize(
    "said", ["AKIAABCDEFGHIJKLMNOP", "https://me:abcdefgh-0@host/a", "x-api-key: abcdefgh-0", "Cookie: a=abcdefgh-0"]
)
def test_the_other_shapes_are_too(before: str, said: str) -> None:
    redacted = without_shapes(before + said)
    assert MASK in redacted
    assert all(secret not in redacted for secret in ("AKIA", "abcdefgh-0"))


def test_a_long_line_of_beginnings_takes_no_time() -> None:
    line = "eyJ" * 20_000
    assert without_shapes(line) == line


def test_short_values_are_left_alone() -> None:
    assert Redactor(["1", "on", "main"]).line("1 on main") == "1 on main"


@pytest.mark.parametrize(
    "line",
    [
        "cloning https://me:hunter2@github.com/a/b",
        "cloning https://ghp_0123456789012345678901234567890123456@github.com/a/b",
        "token ghp_0123456789012345678901234567890123456",
        "Authorization: Bearer abcdefgh",
        "> authorization: Basic abcdefgh",
        "{'Authorization': 'Token abcdefgh'}",
        '"proxy-authorization": "bearer abcdefgh",',
        "Authorization: abcdefgh12345678",
        "X-Api-Key: abcdefgh",
        "PRIVATE-TOKEN: abcdefgh",
        "Cookie: a=abcdefgh; b=abcdefgh",
        "< Set-Cookie: sid=abcdefgh; Path=/",
        "AKIAABCDEFGHIJKLMNOP",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
    ],
)
def test_tokens_are_known_by_their_shape(line: str) -> None:
    redacted = Redactor().line(line)
    assert MASK in redacted
    assert all(secret not in redacted for secret in ("hunter2", "ghp_", "abcdefgh", "AKIA", "eyJ"))


@pytest.mark.parametrize(
    "line",
    [
        "https://github.com/a/b",
        "git@github.com:a/b.git",
        "ssh://git@github.com/a/b",
        "http://127.0.0.1:8000/x",
        "a:b@c",
        "authorization: required",
        "Cookie: none was sent",
        "slw_short",
        "a cookie is set",
    ],
)
def test_ordinary_text_stays(line: str) -> None:
    assert Redactor(["some-secret-value"]).line(line) == line
