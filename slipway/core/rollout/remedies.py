"""Remedies for what a replica printed last and how its probes failed. Nothing is suggested where nothing is sure."""

from __future__ import annotations

import re
from http import HTTPStatus

from slipway.core.rollout.failure import ProbeCause, ProbeError

_MISSING = (
    re.compile(r"KeyError: '([A-Z][A-Z0-9_]{1,127})'"),
    re.compile(r'key not found: "([A-Z][A-Z0-9_]{1,127})"'),
    re.compile(
        r"\b([A-Z][A-Z0-9]*_[A-Z0-9_]+)\b[\"'` ]*(?:environment variable )?"
        r"(?:is |was )?(?:not set|unset|missing|required|must be set|not defined)",
    ),
    re.compile(r"(?i:environment variable|env var)[ :\"'`]+([A-Z][A-Z0-9_]{1,127})\b"),
)
_SHELL = r"^(?:/bin/)?(?:[bd]?a|k|z)?sh: (?:(?:line )?\d+: )?(?:exec: )?"
_NO_COMMAND = (
    "{0} is not in the image: list the package that brings it (requirements.txt, package.json, Gemfile), or correct "
    "the command (Procfile, or [processes] in slipway.toml)"
)
_KNOWN = (
    (
        re.compile(r"ModuleNotFoundError: No module named '([\w.-]+)'"),
        "{0} is imported but not installed: list its package in requirements.txt or pyproject.toml, or correct "
        "the name",
    ),
    (
        re.compile(
            r'File "([^"\n]+)", line (\d+)\n(?:[^\n]*\n){0,3}?(?:Syntax|Indentation|Tab)Error: ([^\n]{1,200})',
        ),
        "{0}, line {1}: Python can't read it ({2}): fix it there, and push again",
    ),
    (
        re.compile(r"^(/[^\s:]+\.[cm]?js):(\d+)\n(?:[^\n]*\n){0,6}?SyntaxError: ([^\n]{1,200})", re.MULTILINE),
        "{0}, line {1}: Node can't read it ({2}): fix it there, and push again",
    ),
    (
        re.compile(r"^(?:ruby: )?([\w./-]+\.rb):(\d+): (syntax error[^\n]{0,200})", re.MULTILINE),
        "{0}, line {1}: Ruby can't read it ({2}): fix it there, and push again",
    ),
    (
        re.compile(r"Cannot find module '([@\w][\w@./-]*)'"),
        "{0} is required but not installed: list it under dependencies in package.json, or correct the name",
    ),
    (
        re.compile(r"cannot load such file -- ([\w][\w./-]*) \(LoadError\)"),
        "{0} is required but not installed: list its gem in the Gemfile, or correct the name",
    ),
    (
        re.compile(
            r"Cannot find module '(/[^'\n]+)'|can't open file '([^'\n]+)': \[Errno 2\]"
            r"|No such file or directory -- ([^\s]+) \(LoadError\)"
        ),
        "{0} is not in the image: push it, or correct the command (Procfile, or [processes] in slipway.toml)",
    ),
    (
        re.compile(rf"{_SHELL}([\w./+-]+): (?:command )?not found\s*$", re.MULTILINE),
        _NO_COMMAND,
    ),
    (
        re.compile(r"env: [\"'‘]?([\w./+-]+)[\"'’]?: No such file or directory"),
        _NO_COMMAND,
    ),
    (
        re.compile(rf"{_SHELL}([\w./+-]+): No such file or directory\s*$", re.MULTILINE),
        _NO_COMMAND,
    ),
    (
        re.compile(r"exec: \"([^\"\n]+)\": (?:executable file not found|stat [^\n:]+: no such file)"),
        _NO_COMMAND,
    ),
    (
        re.compile(rf"{_SHELL}([\w./+-]+): Permission denied\s*$", re.MULTILINE),
        "{0} may not be run: git update-index --chmod=+x {0}, commit and push; or name its interpreter in the command",
    ),
    (
        re.compile(r"The (SECRET_KEY) setting must not be empty"),
        "Django's {0} is empty: let the settings read it from a variable, and slipway env set {0}=…",
    ),
    (
        re.compile(r"Read-only file system|unable to open database file|attempt to write a readonly database"),
        "the root file system is read-only, and lost with the replica: write to a volume or to /tmp, or set "
        "read_only = false under [resources] in slipway.toml",
    ),
)
"""A sign in the output, and its remedy."""
_LISTENS = re.compile(
    r"(?:listening|running|serving|started|bound|bind)[^\n]{0,60}?"
    r"(127\.0\.0\.1|localhost|\[::1\]|0\.0\.0\.0|\*|\[::\]|port)[: ]+(\d{2,5})\b",
    re.IGNORECASE,
)
_PROBE_REMEDIES = {
    ProbeCause.NOT_HTTP: 'an app that speaks no HTTP says so: health = "tcp" in slipway.toml, or slipway apps set '
    "health=tcp; one that speaks only HTTPS must listen without TLS",
    ProbeCause.NO_ANSWER: "the app listens, and answers nothing yet: see in its output what it waits for. If it only "
    'starts slowly: probe_s under [timeouts] in slipway.toml; if it speaks no HTTP: health = "tcp"',
    ProbeCause.CLOSED: "the app listens, and drops what is sent to it: its output says why. If it speaks no "
    'HTTP: health = "tcp" in slipway.toml',
}
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})


def remedies(tail: str, *, port: int, refused: bool) -> list[str]:
    """What to do, most certain first.

    Args:
        tail: the end of the replica's output.
        port: the port that it should listen on ($PORT).
        refused: nothing listened there.
    """
    found = []
    for name in _missing_variables(tail):
        found.append(f"{name} is read but not set here: slipway env set {name}=…")
    found.extend(
        remedy.format(*filter(None, match.groups())) for sign, remedy in _KNOWN if (match := sign.search(tail))
    )
    if refused:
        found.extend(_listening_elsewhere(tail, port))
    return found


def own_lines(lines: list[str], path: str) -> list[str]:
    """What the app itself said, without what its access log says of our asking for `path`; that, where it is all."""
    asked = re.compile(rf"slipway-probe|\bGET {re.escape(path or '/')} HTTP/1")
    return [line for line in lines if not asked.search(line)] or lines


def probe_remedies(error: ProbeError) -> list[str]:
    """What to do when a probe's connection was taken, and got no answer or not a good one."""
    if error.cause is ProbeCause.BAD_STATUS:
        return [_health_remedy(error.path, error.status)]
    remedy = _PROBE_REMEDIES.get(error.cause)
    return [remedy] if remedy else []


_WHY: dict[int, str] = {
    HTTPStatus.BAD_REQUEST: "the app takes the health check's request to {path} for a bad one: an app that answers "
    "only to hosts that it knows (such as Django's ALLOWED_HOSTS) has to know its own",
    HTTPStatus.UNAUTHORIZED: "the app refuses {path}: the health check brings no login",
    HTTPStatus.FORBIDDEN: "the app refuses {path}: the health check brings no login",
    HTTPStatus.NOT_FOUND: "the app has nothing at {path}",
    HTTPStatus.METHOD_NOT_ALLOWED: "the app takes no GET at {path}, which is what the health check asks",
    HTTPStatus.GONE: "the app has nothing at {path} any more",
    HTTPStatus.TOO_MANY_REQUESTS: "the app limits how often {path} may be asked: let it answer the health check always",
}


def _health_remedy(path: str, status: int) -> str:
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        why = f"the app runs, but fails at {path}: its output says why"
    else:
        why = _WHY.get(status, f"the app answers {status} at {{path}}, which is no success").format(path=path)
    another = "health_path in slipway.toml, where it stands there, else slipway apps set health_path=/…"
    return f"{why}. Fix it and push again, or have another path asked: {another}"


def _missing_variables(tail: str) -> list[str]:
    names = [match[1] for pattern in _MISSING for match in pattern.finditer(tail)]
    return list(dict.fromkeys(name for name in names if name != "PORT"))[:3]


def _listening_elsewhere(tail: str, port: int) -> list[str]:
    heard = list(_LISTENS.finditer(tail))
    if not heard:
        return [f"the app must listen on 0.0.0.0, port {port} ($PORT)"]
    where, number = heard[-1][1].lower(), int(heard[-1][2])
    if where in _LOOPBACK:
        return [f"the app listens on {where} only, where no other host can reach it: let it listen on 0.0.0.0"]
    if number != port:
        return [f"the app listens on port {number}: let it read $PORT, or set port = {number} in slipway.toml"]
    return []
