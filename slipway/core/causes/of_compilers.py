"""Steps of a build that fail by themselves: compilers, bundlers, make, and commands that a step's image lacks."""

from __future__ import annotations

from slipway.core.causes.table import sign

_SHELL = r"^(?:/(?:usr/)?bin/)?(?:[bd]?a|k|z)?sh: (?:(?:line )?\d+: )?(?:exec: )?"
_FIX_IT = "fix it there, and push again"

SIGNS = (
    sign(
        rf"{_SHELL}([\w.+-]+): (?:command )?not found\s*$",
        "{0} is not in the image of this step",
        "start FROM an image that has it, or install it in a step before",
    ),
    sign(
        rf"{_SHELL}(\S*/\S+): not found\s*$|{_SHELL}(\S*/\S+): cannot execute: required file not found\s*$",
        "{0} can't be started: it is not there, or its first line names a program that is not (as a line end of "
        "Windows does)",
        "copy it before this step; or, if its line ends are those of Windows: sed -i 's/\\r$//' FILE, commit and push",
    ),
    sign(
        rf"{_SHELL}(\S*/\S+): Permission denied\s*$",
        "{0} may not be run",
        "git update-index --chmod=+x FILE, commit and push; or name its interpreter in the step",
    ),
    sign(
        rf"{_SHELL}cd: (?:can't cd to )?([\w./+-]+)(?:: No such file or directory)?\s*$",
        "the step changes to the folder {0}, which is not there",
        "copy it before this step, or correct its name",
    ),
    sign(
        r"cannot (?:touch|create directory|create regular file) [‘'\"]([^’'\"\n]+)[’'\"]: Permission denied",
        "the step's user may not write {0}",
        "run the step as root, before USER in the Dockerfile",
    ),
    sign(
        r"can't open file '([^'\n]+)': \[Errno 2\]|Error: Cannot find module '(/[^'\n]+)'",
        "{0} is not there",
        "copy it before this step, or correct its name",
    ),
    sign(
        r"^\s*ModuleNotFoundError: No module named '([\w.-]+)'$",
        "{0} is imported but not installed",
        "list its package in requirements.txt or pyproject.toml, or install it in a step before",
    ),
    sign(
        r"Error: Cannot find (?:module|package) '([@\w][\w@./-]*)'",
        "{0} is imported but not installed",
        "list it in package.json, and push again",
    ),
    sign(
        r"Module not found: Error: Can't resolve '([^'\n]+)' in '([^'\n]+)'",
        "{1} imports {0}, which is not there",
        "list its package in package.json, or correct the path (capitals count here)",
    ),
    sign(
        r"Rollup failed to resolve import \"([^\"\n]+)\" from \"([^\"\n]+)\"",
        "{1} imports {0}, which is not there",
        "list its package in package.json, or correct the path (capitals count here)",
    ),
    sign(r"^(\S+\.tsx?)\((\d+),\d+\): error (TS\d+: [^\n]{1,200}?)\.?$", "{0}, line {1}: {2}", _FIX_IT),
    sign(r"^(\S+\.tsx?):(\d+):\d+ - error (TS\d+: [^\n]{1,200}?)\.?$", "{0}, line {1}: {2}", _FIX_IT),
    sign(
        r'File "([^"\n]+)", line (\d+)\n(?:[^\n]*\n){0,3}?\s*((?:Syntax|Indentation|Tab)Error: [^\n]{1,200})',
        "{0}, line {1}: {2}",
        _FIX_IT,
    ),
    sign(
        r"^(?:[\w./-]+/)?([\w.-]+\.go):(\d+):\d+: no required module provides package ([\w./-]+)",
        "{0}, line {1}: go.mod does not list {2}",
        "go mod tidy, commit go.mod and go.sum, and push again",
    ),
    sign(
        r"missing go\.sum entry for (?:module providing package )?([\w./@-]+)",
        "go.sum does not list {0}",
        "go mod tidy, commit go.mod and go.sum, and push again",
    ),
    sign(
        r"go\.mod requires go >= ([\d.]+) \(running go ([\d.]+)",
        "go.mod wants Go {0}, and this is {1}",
        "take an image with that Go, or lower it in go.mod",
    ),
    sign(
        r"^go: go\.mod file not found",
        "there is no go.mod where Go is run",
        "copy it before this step; without one: go mod init NAME, commit and push",
    ),
    sign(r"^(\./\S+\.go|\S+\.go):(\d+):\d+: (?!no required)([^\n]{1,200})", "{0}, line {1}: {2}", _FIX_IT),
    sign(
        r"^error(?:\[E\d+\])?: ([^\n]{1,200})\n\s*--> ([^\s:]+):(\d+)",
        "{1}, line {2}: {0}",
        _FIX_IT,
    ),
    sign(r"^(?:\[ERROR\] )?(\S+\.java):\[?(\d+)(?:,\d+\]|:) (?:error: )?([^\n]{1,200})", "{0}, line {1}: {2}", _FIX_IT),
    sign(r"^(\S+\.(?:c|cc|cpp|h)):(\d+):\d+: error: ([^\n]{1,200})", "{0}, line {1}: {2}", _FIX_IT),
    sign(
        r"make: \*\*\* No targets specified and no makefile found",
        "make finds no Makefile where it is run",
        "copy it before this step, or set WORKDIR to its folder",
    ),
    sign(
        r"make: \*\*\* No rule to make target '([^'\n]+)'",
        "the Makefile has no rule for {0}, and there is no such file",
        "add the rule or the file, and push again",
    ),
    sign(
        r"JavaScript heap out of memory",
        "Node's heap is full",
        "give it more in the step: ENV NODE_OPTIONS=--max-old-space-size=2048",
    ),
)
