"""Package managers that can't install what a repository lists."""

from __future__ import annotations

from slipway.core.causes.table import sign

_NPM = r"^npm (?:error|ERR!) "
_PUSH = "commit it and push again"
_SYSTEM_PACKAGES = "install what it needs in a Dockerfile (RUN apt-get update && apt-get install -y {0})"
_OF_OTHER_PYTHONS = r"^ERROR: Ignored the following versions that require a different python version: "
_NOT_FOUND = r"ERROR: Could not find a version that satisfies the requirement"
_OTHER_PYTHON = (
    "ask for that Python (.python-version, or FROM in a Dockerfile), or list another version, and push again"
)

PIP = (
    sign(
        r"^\s*Error: pg_config executable not found",
        "psycopg2 is compiled here, and pg_config is missing",
        "list psycopg2-binary instead of psycopg2, and push again\nor " + _SYSTEM_PACKAGES.format("libpq-dev gcc"),
    ),
    sign(
        r"^\s*Exception: Can not find valid pkg-config name",
        "mysqlclient is compiled here, and MySQL's library is missing",
        "list PyMySQL instead of mysqlclient, and push again\n"
        "or " + _SYSTEM_PACKAGES.format("pkg-config default-libmysqlclient-dev gcc"),
    ),
    sign(
        r"^\s*error: (?:command '([\w.+-]*(?:gcc|g\+\+|cc|clang))' failed: No such file"
        r"|\[Errno 2\] No such file or directory: '([\w.+-]*(?:gcc|g\+\+|cc|clang))')",
        "a package is compiled here, and there is no compiler ({0})",
        "take a version of it that comes compiled (a wheel for this Python)\nor " + _SYSTEM_PACKAGES.format("gcc"),
    ),
    sign(
        r"fatal error: ([\w./+-]+\.h(?:pp)?): No such file or directory",
        "a package is compiled here, and the header {0} is missing",
        "install the -dev package that has it in a Dockerfile (RUN apt-get install …)",
    ),
    sign(
        r"^\s*error: can't find Rust compiler|Cargo, the Rust package manager, is not installed",
        "a package is compiled here, and there is no Rust compiler",
        "take a version of it that comes compiled (a wheel for this Python)\nor " + _SYSTEM_PACKAGES.format("cargo"),
    ),
    sign(
        r"^\s*ModuleNotFoundError: [^\n]*'(pkg_resources|setuptools|distutils|numpy|Cython|wheel)'\n"
        r"\s*\[end of output\]",
        "a package's own setup needs {0}, which is not there while it is built",
        "take a newer version of that package, which says so itself",
    ),
    sign(
        r"^ERROR: Could not find a version that satisfies the requirement (\S+)[^\n]* \(from versions: none\)"
        r"\nERROR: No matching distribution found",
        "the package index has no {0}, or nothing of it for this Python",
        "correct the name where it is listed, and push again",
    ),
    sign(
        rf"{_OF_OTHER_PYTHONS}(?=[^\n]*\n(?:ERROR: Ignored[^\n]*\n)?{_NOT_FOUND} ((?:[^\s=]+)==([\w.]+))[^\n]*\n)"
        r"[^\n]*?(?<![\w.])\2 Requires-Python ([^;\n]+)[^\n]*\n"
        r"(?:[^\n]*\n){1,2}ERROR: No matching distribution found",
        "{0} needs Python {2}, and this is another",
        _OTHER_PYTHON,
    ),
    sign(
        rf"{_OF_OTHER_PYTHONS}[^\n]*?Requires-Python ([^;\n]+)[^\n]*\n(?:ERROR: Ignored[^\n]*\n)?{_NOT_FOUND} (\S+)"
        r"[^\n]*\nERROR: No matching distribution found",
        "the package index has no {1} for this Python; versions that were left out need Python {0}",
        _OTHER_PYTHON,
    ),
    sign(
        r"^ERROR: Could not find a version that satisfies the requirement (\S+)[^\n]* \(from versions: [^n][^\n]*"
        r"\nERROR: No matching distribution found",
        "the package index has other versions than {0} for this Python",
        "list one that there is, and push again",
    ),
    sign(
        r"^ERROR: Could not open requirements file: [^\n]*: '([^'\n]+)'",
        "{0} is not there",
        "add it where the command looks for it, and push again",
    ),
    sign(
        r"^ERROR: Invalid requirement: '?([^\n]{1,100}?)'? \(from line (\d+) of ([^\n)]+)\)",
        "{2}, line {1}: pip can't read {0}",
        "write it as name==version, and push again",
    ),
    sign(
        r"^ +(\S+ \S+) depends on ([^\n]{1,100})\n(?:[^\n]*\n){1,12}?ERROR: ResolutionImpossible",
        "{0} needs {1}, and another version is listed",
        "loosen one of the versions, and push again",
    ),
    sign(
        r"^ERROR: Cannot install ([^\n]{1,160}?) because these package versions have conflicting dependencies"
        r"(?:[^\n]*\n){1,40}?ERROR: ResolutionImpossible",
        "no versions of {0} fit together",
        "loosen one of the versions, and push again",
    ),
    sign(
        r"^ERROR: Package '([^'\n]+)' requires a different Python: ([\d.]+) not in '([^'\n]+)'",
        "{0} needs Python {2}, and this is {1}",
        "take an image with that Python, or another version of the package",
    ),
    sign(
        r"THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE",
        "a package is another one than its hash in the requirements says",
        "see in the output which; make the hashes anew, if you trust it: pip-compile --generate-hashes",
    ),
    sign(
        r"^error: externally-managed-environment",
        "this image's Python is Debian's own, into which pip may not install",
        "make a virtual environment first: RUN python3 -m venv /venv && /venv/bin/pip install …",
    ),
)
NPM = (
    sign(
        rf"{_NPM}The `npm ci` command can only install with an existing package-lock\.json",
        "npm ci needs package-lock.json, which is not there",
        f"npm install writes it: {_PUSH}",
    ),
    sign(
        rf"{_NPM}`npm ci` can only install packages when your package\.json and package-lock\.json[^\n]*in sync"
        rf"(?:[^\n]*\n{_NPM}\n{_NPM}(?:Invalid|Missing): ([^\n]+))?",
        "package-lock.json does not match package.json",
        f"npm install brings it up to date: {_PUSH}",
    ),
    sign(
        rf"{_NPM}notarget No matching version found for (\S+?)\.?$",
        "the registry has no {0}",
        "list a version that there is in package.json, and push again",
    ),
    sign(
        rf"{_NPM}404 +(?:The requested resource )?'([^'\n]+)' (?:could not be found|is not in \w+ (?:npm )?registry)",
        "the registry has no {0}, or shows it to nobody without a login",
        "correct the name in package.json; of a private one: slipway env set --build NPM_TOKEN=…, read in .npmrc",
    ),
    sign(
        rf"{_NPM}(?:code E401|code E403|401 Unauthorized|403 Forbidden)[^\n]*",
        "the package registry refuses the login",
        "slipway env set --build NPM_TOKEN=…, and read it in .npmrc",
    ),
    sign(
        rf"{_NPM}(?:peer|dev|optional)? ?(\S+?@\"[^\"\n]+\") from (\S+)(?=\n(?:npm[^\n]*\n)*{_NPM}Fix the upstream)",
        "{1} wants {0}, and package.json has another one",
        "list versions that fit together in package.json, and push again",
    ),
    sign(
        rf"{_NPM}Missing script: \"([\w:-]+)\"",
        "package.json has no script {0}",
        "add it, and push again",
    ),
    sign(
        rf"{_NPM}enoent Could not read package\.json[^\n]*open '([^'\n]+)'",
        "{0} is not there",
        "copy it before this step, or push it",
    ),
    sign(r"ERR_PNPM_OUTDATED_LOCKFILE", "pnpm-lock.yaml does not match package.json", f"pnpm install: {_PUSH}"),
    sign(
        r"^(?:error )?Your lockfile needs to be updated|The lockfile would have been modified by this install",
        "yarn.lock does not match package.json",
        f"yarn install: {_PUSH}",
    ),
)
OTHERS = (
    sign(
        r"^error: (?:cannot update the lock file \S+|the lock file \S+ needs to be updated)[^\n]*--locked was passed",
        "Cargo.lock does not match Cargo.toml",
        f"cargo check brings it up to date: {_PUSH}",
    ),
    sign(
        r"^E: (?:Unable to locate package (\S+)|Package '(\S+)' has no installation candidate)",
        "apt does not know {0}",
        "run apt-get update in the same step before, and correct the name if it is still unknown",
    ),
    sign(
        r"Could not find gem '([^'\n]+)'",
        "no source of gems has {0}",
        "correct it in the Gemfile, and push again",
    ),
    sign(
        r"Your Ruby version is ([\d.]+), but your Gemfile specified ([^\n]+)",
        "the Gemfile wants Ruby {1}, and this is {0}",
        "take an image with that Ruby, or change the Gemfile",
    ),
    sign(
        r"Temporary failure in name resolution|Could not resolve host: \S+|getaddrinfo (?:EAI_AGAIN|ENOTFOUND) \S+"
        r"|dial tcp: lookup [^\n]*(?:no such host|server misbehaving)",
        "the step asks for a host whose name does not resolve in builds",
        "try again: slipway deploy; the host's owner sees the network: slipway doctor",
    ),
)
SIGNS = (*PIP, *NPM, *OTHERS)
