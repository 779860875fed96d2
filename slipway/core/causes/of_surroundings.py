"""What a container does not have or may not do: variables, places to write, the network, more processes."""

from __future__ import annotations

import re

from slipway.core.causes.table import Cause, Found, sign

_NAME = r"(?!PORT\b)([A-Z][A-Z0-9_]{1,127})"
_LONG_NAME = r"(?!PORT\b)([A-Z][A-Z0-9]*_[A-Z0-9_]+)"
_MISSING = (
    re.compile(rf"KeyError: '{_NAME}'"),
    re.compile(rf'key not found: "{_NAME}"'),
    re.compile(
        rf"\b{_LONG_NAME}\b[\"'` ]*(?:environment variable )?"
        r"(?:is |was )?(?:not set|unset|missing|required|must be set|not defined)",
    ),
    re.compile(rf"(?i:environment variable|env var)[ :\"'`]+{_NAME}\b"),
    re.compile(
        rf"^\S*sh: (?:(?:line )?\d+: )?{_NAME}: (?:parameter not set|unbound variable|must be set)", re.MULTILINE
    ),
    re.compile(rf"^\S*sh: (?:(?:line )?\d+: )?{_NAME}: parameter null or not set", re.MULTILINE),
)
_PYDANTIC = re.compile(r"ValidationError: \d+ validation errors? for \w*(?:settings|config)", re.IGNORECASE)
_PYDANTICS_FIELD = re.compile(r"^(\w{2,60})\n  Field required \[type=missing", re.MULTILINE)

WRITE_ELSEWHERE = "write to a volume or to /tmp\nor, lost with each replica: slipway apps set resources.read_only=false"
_HOME = r"(?:/root|/nonexistent|/home/[\w.-]+|(?=/\.))(?:/[^'’\"\s:]*)?"
_PATH = r"(?:/[^'’\"\s:]*|[\w.-][^'’\"\s:]*)"
_READ_ONLY = (
    r"\[Errno 30\] Read-only file system: '({path})'",
    r"EROFS: read-only file system, \w+ '({path})'",
    r"cannot (?:create|touch|remove)(?: directory)? [‘'\"]?({path})[’'\"]?: Read-only file system",
    r"mkdir\(\) \"({path})\" failed \(30: Read-only file system\)",
    r"(?:open|mkdir) ({path}): read-only file system",
    r"Exception: ({path}) \(Read-only file system\)",
)
_NO_PERMISSION = (
    rf"\[Errno 13\] Permission denied: '({_HOME})'",
    rf"EACCES: permission denied, \w+ '({_HOME})'",
    rf"mkdir: cannot create directory [‘'\"]?({_HOME})[’'\"]?: Permission denied",
)

READ_ONLY_ROOT = (
    *(
        sign(pattern.format(path=_PATH), "{0} can't be written: the root file system is read-only", WRITE_ELSEWHERE)
        for pattern in _READ_ONLY
    ),
    sign(r"Read-only file system", "the root file system is read-only", WRITE_ELSEWHERE),
    sign(
        r"unable to open database file|attempt to write a readonly database",
        "SQLite can't write its database: the root file system is read-only",
        "put the database on a volume ([[volumes]] in slipway.toml)\nor, lost with each replica: "
        "slipway apps set resources.read_only=false",
    ),
    sign(
        r"failed to map segment from shared object",
        "a library was unpacked to /tmp, from which nothing runs",
        "slipway apps set resources.read_only=false",
    ),
)
"""Only where the root is read-only at all."""
HOME = tuple(
    sign(pattern, "its home folder can't be written ({0})", "slipway env set HOME=/tmp")
    for pattern in (*(pattern.format(path=_HOME) for pattern in _READ_ONLY), *_NO_PERMISSION)
)
WRITABLE_ROOT = (
    sign(
        r"unable to open database file",
        "SQLite can't open its database: its folder is not there, or another user's",
        "make the folder in the Dockerfile, as the user that runs the app; or put it on a volume",
    ),
    sign(
        r"attempt to write a readonly database",
        "SQLite may not write its database: it is another user's",
        "give it to the user that runs the app (COPY --chown in the Dockerfile), or put it on a volume",
    ),
)

_ELSEWHERE = "give it the service's address by the variable that it reads: slipway env set NAME=…"
_LOCAL = r"(?:127\.0\.0\.1|localhost|::1|\[::1\])"
NETWORK = (
    sign(
        r"ECONNREFUSED (?!127\.|::1)(\S+:\d+)|dial tcp (?!127\.|\[::1)(\S+:\d+): connect: connection refused",
        "nothing answers at {0}",
        _ELSEWHERE,
    ),
    sign(
        rf"ECONNREFUSED ({_LOCAL}:\d+)|dial tcp ({_LOCAL}:\d+): connect: connection refused"
        rf"|Error 111 connecting to ({_LOCAL}:\d+)",
        "it asks {0}, which is its own container, where nothing answers",
        _ELSEWHERE,
    ),
    sign(
        rf"connection to server at \"({_LOCAL})\"(?: \([^)]*\))?, port (\d+) failed: Connection refused",
        "it asks {0}:{1}, which is its own container, where nothing answers",
        _ELSEWHERE,
    ),
    sign(
        rf"connection to server at \"(?!{_LOCAL})([^\"]+)\"(?: \([^)]*\))?, port (\d+) failed: Connection refused",
        "nothing answers at {0}:{1}",
        _ELSEWHERE,
    ),
    sign(rf"Error 111 connecting to (?!{_LOCAL})(\S+:\d+)", "nothing answers at {0}", _ELSEWHERE),
    sign(
        r"could not translate host name \"([^\"]+)\" to address|getaddrinfo (?:ENOTFOUND|EAI_AGAIN) ([\w.-]+)"
        r"|dial tcp: lookup ([\w.-]+)[^\n]*: no such host|Error -[23] connecting to ([\w.-]+):\d+",
        "the name {0} does not resolve here",
        _ELSEWHERE,
    ),
    sign(
        r"\[Errno -[23]\] (?:Name or service not known|Temporary failure in name resolution)",
        "it asks for a host whose name does not resolve here",
        _ELSEWHERE,
    ),
    sign(
        r"password authentication failed for user \"([^\"]+)\"",
        "the database refuses the password of {0}",
        "slipway env set DATABASE_URL=…",
    ),
    sign(
        r"(?:database|role) \"([^\"]+)\" does not exist",
        "the database server has no {0}",
        "make it there, or name another: slipway env set DATABASE_URL=…",
    ),
)
RIGHTS = (
    sign(
        r"set(?:g|u)id\(\d+\) failed|su: cannot set (?:groups|user id)|setgroups\S* ?failed|cannot setgid"
        r"|(?:chown|changing ownership of) [^\n]*Operation not permitted|os\.set(?:g|u)id[^\n]*\n[^\n]*Errno 1\]"
        r"|failed switching to [^\n]*operation not permitted",
        "it starts as root to change its user, which no container may do here",
        "name the user in the Dockerfile (USER), or take the unprivileged variant of the image",
    ),
    sign(
        r"can't start new thread|fork: (?:retry: )?Resource temporarily unavailable|pthread_create failed"
        r"|Cannot fork|unable to create (?:new )?native thread",
        "it may start no more processes and threads",
        "start fewer workers\nor allow more: slipway apps set resources.pids=…",
    ),
    sign(
        r"[Tt]oo many open files",
        "it has more files and connections open than a process may",
        "close what is not used, or start fewer workers",
    ),
    sign(
        r"EADDRINUSE[^\n]*?:+(\d{2,5})|Connection in use: \('[^']*', (\d+)\)"
        r"|error while attempting to bind on address \('[^']*', (\d+)[^)]*\): address already in use"
        r"|^Port (\d+) is in use by another program|listen tcp [^\s]*:(\d+): bind: address already in use",
        "port {0} is taken within its own container: it starts two servers",
        "start one of them, or give them different ports",
    ),
)
SIGNS = (*NETWORK, *RIGHTS)


def missing_variables(printed: str) -> Found | None:
    """Variables that the app reads and that are not set, and where the last of them is named."""
    patterns = (*_MISSING, *((_PYDANTICS_FIELD,) if _PYDANTIC.search(printed) else ()))
    matches = [match for pattern in patterns for match in pattern.finditer(printed)]
    if not matches:
        return None
    matches.sort(key=lambda match: match.start())
    names = list(dict.fromkeys(match[1] for match in matches))[-3:]
    listed = f"{', '.join(names[:-1])} and {names[-1]} are" if names[1:] else f"{names[0]} is"
    cause = Cause(f"{listed} read but not set here", f"slipway env set {' '.join(f'{name}=…' for name in names)}")
    return max(match.end() for match in matches), cause
