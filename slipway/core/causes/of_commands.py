"""Commands that could not be run, as shells, `env` and the container's init say it; and how a process ended."""

from __future__ import annotations

import signal

from slipway.core.causes.table import Cause, sign

CORRECT_THE_COMMAND = "correct the command (Procfile, or [processes] in slipway.toml)"
_SHELL = r"^(?:/(?:usr/)?bin/)?(?:[bd]?a|k|z)?sh: (?:(?:line )?\d+: )?(?:exec: )?"
_INIT = r"^\[FATAL tini \(\d+\)\] exec "
_SHELL_WORD = r"cd|source|\.|export|set|exec|if|for|while|ulimit|trap|eval|[A-Z_]\w*=\S*"
_NOT_IN_IMAGE = "{0} is not in the image"
_LIST_IT = f"list the package that brings it (requirements.txt, package.json, Gemfile), or {CORRECT_THE_COMMAND}"
_MAY_NOT_RUN = "{0} may not be run: it is a folder, or not marked as executable"
_MARK_IT = "git update-index --chmod=+x {0}, commit and push; or name its interpreter in the command"
_FROM_WINDOWS = "{0} has line ends of Windows (CR), which its interpreter takes for a part of each line"
_FIX_LINE_ENDS = "sed -i 's/\\r$//' {0}, commit and push; for good: *.sh text eol=lf in .gitattributes"
_OTHER_MACHINE = "{0} was made for another kind of processor or system"
_REBUILD = "build it for linux/amd64, or have the build compile it"

SIGNS = (
    sign(
        rf"{_INIT}({_SHELL_WORD}) failed: No such file or directory",
        "the command begins with {0}, which only a shell knows, and no shell runs it",
        "have one run it: slipway apps set processes.web.command=\"sh -c '…'\"",
    ),
    sign(
        rf"{_SHELL}([\w.+-]+): (?:command )?not found\s*$|{_SHELL}([\w.+-]+): No such file or directory\s*$",
        _NOT_IN_IMAGE,
        _LIST_IT,
    ),
    sign(
        rf"{_SHELL}(\.{{0,2}}/[\w./+-]+|[\w.+-]+/[\w./+-]+): (?:not found|No such file or directory|"
        rf"cannot execute: required file not found)\s*$|{_INIT}([\w.+-]*/[\w./+-]*) failed: No such file or directory",
        "{0} can't be started: it is not in the image, or its first line names a program that is not (as a line end of "
        "Windows does)",
        "push it; or, if its line ends are those of Windows: sed -i 's/\\r$//' {0}, commit and push",
    ),
    sign(rf"{_INIT}([\w.+-]+) failed: No such file or directory", _NOT_IN_IMAGE, _LIST_IT),
    sign(r"exec: \"([^\"\n]+)\": (?:executable file not found|stat [^\n:]+: no such file)", _NOT_IN_IMAGE, _LIST_IT),
    sign(
        r"env: [\"'‘]?([\w./+-]+)\\r[\"'’]?: No such file or directory",
        "the script's first line names {0} and ends as on Windows (CR), so no such program is found",
        "sed -i 's/\\r$//' on the script, commit and push; for good: * text=auto eol=lf in .gitattributes",
    ),
    sign(r"env: [\"'‘]?([\w./+-]+)[\"'’]?: No such file or directory", _NOT_IN_IMAGE, _LIST_IT),
    sign(
        r"^([\w./+-]+): (?:line )?\d+: set: (?:Illegal option -|-\r?: invalid option)\s*$",
        _FROM_WINDOWS,
        _FIX_LINE_ENDS,
    ),
    sign(
        r"^([\w./+-]+): (?:line )?\d+: (?:\w+: )?\$'[^'\n]*\\r': (?:command not found|No such)",
        _FROM_WINDOWS,
        _FIX_LINE_ENDS,
    ),
    sign(
        rf"{_SHELL}(/tmp/[\w./+-]+): Permission denied\s*$",
        "{0} may not be run: nothing runs from /tmp",
        "put it elsewhere in the image\nor make /tmp executable: slipway apps set resources.read_only=false",
    ),
    sign(
        rf"{_SHELL}(?!/tmp/)([\w./+-]+): (?:Permission denied|Is a directory)\s*$"
        rf"|{_INIT}([\w./+-]+) failed: Permission denied",
        _MAY_NOT_RUN,
        _MARK_IT,
    ),
    sign(rf"{_SHELL}([\w./+-]+): (?:cannot execute binary file: )?Exec format error", _OTHER_MACHINE, _REBUILD),
    sign(
        r"exec (\S+): exec format error|^\[FATAL tini \(\d+\)\] exec (\S+) failed: Exec format",
        _OTHER_MACHINE,
        _REBUILD,
    ),
    sign(
        rf"{_SHELL}cd: (?:can't cd to )?([\w./+-]+)(?:: No such file or directory)?\s*$",
        "the command changes to the folder {0}, which is not in the image",
        f"push the folder, or {CORRECT_THE_COMMAND}",
    ),
)

FOREGROUND = (
    "its main process must stay in the foreground and serve until it gets SIGTERM: no --daemon, no parent that forks "
    "and ends"
)
_BY_EXIT_CODE = {
    0: Cause("it ended as if its work were done", FOREGROUND),
    126: Cause(
        "its command is there, and may not be run: it is a folder, not executable, or has no first line (#!)",
        "git update-index --chmod=+x FILE, commit and push; or name its interpreter in the command",
    ),
    127: Cause("its command is not in the image", f"list the package that brings it, or {CORRECT_THE_COMMAND}"),
    128 + signal.SIGILL: Cause(
        "it uses an instruction that this host's processor does not have",
        "build it for a common one (x86-64 without -march=native)",
    ),
    128 + signal.SIGABRT: Cause("it aborted itself (SIGABRT)", "see in its output why"),
    128 + signal.SIGSEGV: Cause(
        "compiled code of it touched memory that is not its own",
        "see which package has compiled code, and take another version of it",
    ),
    128 + signal.SIGKILL: Cause(
        "something killed it (SIGKILL), and the kernel reports no lack of memory",
        "see what in its container sends kill -9",
    ),
    128 + signal.SIGTERM: Cause(
        "something within its container asked it to end (SIGTERM)", "see in the command what sends it"
    ),
}


def by_exit_code(code: int | None) -> Cause | None:
    """What an exit code says by itself, where the output says nothing."""
    return _BY_EXIT_CODE.get(code) if code is not None else None
