"""Failures of Node, Ruby, Java, and of compiled programs."""

from __future__ import annotations

from slipway.core.causes.of_commands import CORRECT_THE_COMMAND
from slipway.core.causes.table import sign

_FIX_IT = "fix it there, and push again"
_PUSH_IT = f"push it, or {CORRECT_THE_COMMAND}"
_NODES_PACKAGE = "list it under dependencies (not devDependencies) in package.json, or correct the name"
_MORE_MEMORY = "give it more: slipway apps set resources.memory_mb=…"

NODE = (
    sign(r"Cannot find module '([@\w][\w@./-]*)'", "{0} is required but not installed", _NODES_PACKAGE),
    sign(r"Cannot find package '([@\w][\w@./-]*)'", "{0} is imported but not installed", _NODES_PACKAGE),
    sign(r"Cannot find module '(/[^'\n]+)'", "{0} is not in the image", _PUSH_IT),
    sign(
        r"^(/[^\s:]+\.[cm]?js):(\d+)\n(?:[^\n]*\n){0,6}?SyntaxError: (?!Cannot use import)([^\n]{1,200})",
        "{0}, line {1}: Node can't read it ({2})",
        _FIX_IT,
    ),
    sign(
        r"SyntaxError: Cannot use import statement outside a module",
        "a file of it has import, and package.json does not say that it is a module",
        'add "type": "module" to package.json, and push again',
    ),
    sign(
        r"^file://(/[^\s:]+):(\d+)\n(?:[^\n]*\n){0,4}?ReferenceError: require is not defined in ES module scope",
        "{0}, line {1}: it has require, and is an ES module",
        'write import there, or take "type": "module" out of package.json; push again',
    ),
    sign(
        r"npm (?:error|ERR!) Missing script: \"([\w:-]+)\"",
        "package.json has no script {0}",
        "add it, or name the command: slipway apps set processes.web.command='node server.js'",
    ),
    sign(
        r"npm (?:error|ERR!) (?:enoent )?Could not read package\.json[^\n]*open '([^'\n]+)'",
        "{0} is not in the image",
        _PUSH_IT,
    ),
    sign(
        r"npm (?:error|ERR!) JSON\.parse Invalid package\.json: (?:\w+: )?([^\n]{1,120}?)(?: while parsing[^\n]*)?$",
        "package.json can't be read ({0})",
        _FIX_IT,
    ),
    sign(r"JavaScript heap out of memory", "Node's heap is full", _MORE_MEMORY),
)
RUBY = (
    sign(
        r"cannot load such file -- ([\w][\w./-]*) \(LoadError\)",
        "{0} is required but not installed",
        "list its gem in the Gemfile, or correct the name",
    ),
    sign(r"No such file or directory -- ([^\s]+) \(LoadError\)", "{0} is not in the image", _PUSH_IT),
    sign(
        r"^(?:ruby: )?([\w./-]+\.rb):(\d+): (syntax error[^\n]{0,200})",
        "{0}, line {1}: Ruby can't read it ({2})",
        _FIX_IT,
    ),
)
JAVA = (
    sign(r"Error: Unable to access jarfile (\S+)", "{0} is not in the image", _PUSH_IT),
    sign(
        r"no main manifest attribute, in (\S+)",
        "{0} does not say which class starts it: it is not the jar that runs by itself",
        "build that one (Spring Boot: repackage; Maven: the shade plugin), or name the class in the command",
    ),
    sign(
        r"Error: Could not find or load main class (\S+)",
        "there is no class {0} in what was built",
        _PUSH_IT,
    ),
    sign(
        r"UnsupportedClassVersionError: (\S+) has been compiled by a more recent version",
        "{0} was compiled for a newer Java than the image has",
        "take the same version in both: FROM in the Dockerfile, and the build's target",
    ),
    sign(r"java\.lang\.OutOfMemoryError: ([^\n]{1,60})", "Java got no more memory ({0})", _MORE_MEMORY),
)
COMPILED = (
    sign(
        r"\b(libGL\.so\.1): cannot open shared object file",
        "OpenCV wants the library {0}, which is not in the image",
        "list opencv-python-headless instead of opencv-python, and push again",
    ),
    sign(
        r"\b(lib[\w+.-]+\.so[\d.]*): cannot open shared object file",
        "the library {0} is not in the image",
        "install the package that brings it in the Dockerfile (RUN apt-get install …)",
    ),
    sign(
        r"version `(GLIBC_[\d.]+)' not found",
        "it was compiled against a newer C library ({0}) than the image has",
        "compile and run it in images of the same release, such as bookworm in both",
    ),
)
SIGNS = (*NODE, *RUBY, *JAVA, *COMPILED)
