"""Which images and rights a Dockerfile may ask for, on a host whose tenants do not trust each other.

A build may start or copy from its own stages, from the base images that the host's owner lists, and from images of a
registry. It may not use images that other builds left on this host, nor the host's network, nor more rights.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from slipway.core.build import image_names
from slipway.core.build.dockerfile import Dockerfile, Instruction, on_build, refuse
from slipway.errors import InvalidInput

PLATFORM_ARGUMENTS = frozenset(
    f"{side}{part}" for side in ("TARGET", "BUILD") for part in ("PLATFORM", "OS", "ARCH", "VARIANT")
)
_VARIABLE = re.compile(r"\$(?:(?P<bare>\w+)|\{(?P<name>\w+)(?:(?P<way>:?[-+])(?P<word>[^{}$]*))?\})")
_STAGE = re.compile(r"[a-z][a-z0-9_.-]*", re.IGNORECASE)
_REMOTE = re.compile(r"[a-z0-9+.-]://|^git@|^[\w.-]+@[\w.-]+:|^github\.com/", re.IGNORECASE)
_LONGEST_INDEX = 9
_SEE = "see docs/guide/builds.md"


@dataclass(frozen=True, slots=True)
class Rules:
    """The host's lists, from Settings. Images are named in their short form."""

    base_images: frozenset[str]
    frontends: frozenset[str]
    registries: tuple[str, ...] = ()
    """Registries inside this host or network that images may be pulled from."""


@dataclass(frozen=True, slots=True)
class Use:
    """An image that a line of a Dockerfile names."""

    image: str
    line: int


def frontend(dockerfile: Dockerfile, rules: Rules) -> str | None:
    """The frontend that `# syntax=` asks for; None: the built-in one.

    Raises:
        InvalidInput: it is not listed. A frontend can read every file and cache of its build.
    """
    if dockerfile.syntax is None:
        return None
    try:
        name = image_names.parse(dockerfile.syntax)
    except InvalidInput:
        name = None
    if name is None or name.name not in rules.frontends:
        raise refuse(
            1,
            f"# syntax={dockerfile.syntax[:80]} is not allowed here",
            f"use {', '.join(sorted(rules.frontends)) or 'none'}; the host's owner can allow it: SLIPWAY_FRONTENDS",
        )
    return dockerfile.syntax


def reads_heredocs(frontend_image: str | None, engine_major: int) -> bool:
    """Does the frontend parse heredocs? They came with Dockerfile 1.4, which is built in from Docker 23 on."""
    if frontend_image is None:
        return engine_major >= 23
    tag = image_names.parse(frontend_image).tag
    numbers = re.match(r"(\d+)(?:\.(\d+))?", tag)
    return numbers is None or int(numbers[1]) > 1 or numbers[2] is None or int(numbers[2]) >= 4


def foreign_images(dockerfile: Dockerfile, rules: Rules, arguments: Mapping[str, str]) -> list[Use]:
    """The images that are neither stages nor listed. They are allowed only when they are not on this host already.

    `arguments` are the build arguments.

    Raises:
        InvalidInput: a line asks for something that no build may use; the error says how to change it.
    """
    stages: list[str] = []
    scope: dict[str, str] = {}
    uses: list[Use] = []
    for instruction in dockerfile.instructions:
        if instruction.keyword == "ARG" and not stages:
            scope |= _global_arguments(instruction, scope, arguments)
        elif instruction.keyword == "FROM":
            image, stage = _from(instruction, scope)
            uses += _unlisted(image, instruction.line, stages, rules)
            stages.append(stage)
        else:
            uses += _references(instruction, stages, rules)
    return uses


def _global_arguments(instruction: Instruction, scope: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    values: dict[str, str] = {}
    for word in instruction.arguments.split():
        name, equals, default = word.partition("=")
        if name in PLATFORM_ARGUMENTS and equals:
            raise refuse(instruction.line, f"{name} is set by BuildKit", "leave its default out")
        if name in given:
            values[name] = given[name]
        elif equals:
            try:
                values[name] = expand(default.strip("\"'"), {**scope, **values})
            except InvalidInput:
                continue  # only an error where FROM uses it
    return values


def expand(text: str, values: Mapping[str, str]) -> str:
    """Replace variables by their values: `$X`, `${X}`, `${X:-default}`, `${X:+other}`.

    Raises:
        InvalidInput: a variable has no value, or another syntax.
    """

    def value(match: re.Match[str]) -> str:
        name, way, word = match["bare"] or match["name"], match["way"] or "", match["word"] or ""
        known = values.get(name)
        present = known is not None and (known != "" or not way.startswith(":"))
        if way.endswith("+"):
            return word if present else ""
        if present or (known is not None and not way):
            return known or ""
        if way.endswith("-"):
            return word
        raise InvalidInput(f"{name} has no value", remedy=f"give it one: ARG {name}=… before the first FROM")

    expanded = _VARIABLE.sub(value, text)
    if "$" in expanded:
        raise InvalidInput(f"{text[:80]!r} can't be resolved", remedy="write ${NAME} or ${NAME:-default}")
    return expanded


def _from(instruction: Instruction, scope: Mapping[str, str]) -> tuple[str, str]:
    """The image or stage that a FROM starts from, and the new stage's name."""
    words = instruction.arguments.split()
    named = len(words) == 3 and words[1].upper() == "AS"
    if len(words) != 1 and not named:
        raise refuse(instruction.line, "FROM takes an image, or an image AS a name", "write FROM image AS name")
    stage = words[2].lower() if named else ""
    if named and not _STAGE.fullmatch(stage):
        raise refuse(instruction.line, f"{words[2][:40]!r} can't be a stage's name", "use letters, digits, - and _")
    try:
        return expand(words[0], scope), stage
    except InvalidInput as error:
        raise refuse(instruction.line, f"FROM {words[0][:80]}: {error.message}", error.remedy) from None


def _references(instruction: Instruction, stages: list[str], rules: Rules) -> list[Use]:
    if instruction.keyword == "ONBUILD":
        return _references(on_build(instruction), stages, rules)
    if instruction.keyword == "ADD":
        _no_remote_source(instruction)
    if instruction.keyword == "RUN":
        _no_more_rights(instruction)
    return [
        use
        for source in _sources(instruction)
        if not _is_index(source, stages, instruction.line)
        for use in _unlisted(source, instruction.line, stages, rules)
    ]


def _sources(instruction: Instruction) -> Iterable[str]:
    """The images and stages in `--from=` and `--mount=…,from=`."""
    yield from instruction.flag_values("from")
    for mount in instruction.flag_values("mount"):
        options = dict(_mount_options(mount, instruction.line))
        if ".." in options.get("id", ""):
            raise refuse(instruction.line, "a cache's id can't contain ..", "name it with letters and digits")
        if "from" in options:
            yield options["from"]


def _mount_options(mount: str, line: int) -> Iterable[tuple[str, str]]:
    try:
        [fields] = csv.reader([mount], strict=True)
    except (csv.Error, ValueError):
        raise refuse(line, f"--mount={mount[:80]} can't be read", "write type=…,target=…,from=…") from None
    for option in fields:
        key, _, value = option.partition("=")
        yield key.strip().lower(), value


def _is_index(source: str, stages: list[str], line: int) -> bool:
    """`--from=0` names a stage by its number."""
    if not source.isdecimal():
        return False
    if len(source) > _LONGEST_INDEX or int(source) >= len(stages):
        raise refuse(line, f"there is no stage {source[:40]} before it", "name an earlier stage")
    return True


def _unlisted(source: str, line: int, stages: list[str], rules: Rules) -> list[Use]:
    """The use of a foreign image; nothing for a stage, `scratch` or a listed base image."""
    if source.lower() in stages or source == "scratch":
        return []
    if "$" in source:
        raise refuse(line, f"{source[:80]!r} holds a variable", "name the stage or image itself")
    try:
        name = image_names.parse(source)
    except InvalidInput as error:
        raise refuse(line, error.message, error.remedy) from None
    if name.is_own:
        raise refuse(line, f"{source[:80]} is an image of an app on this host", "start from a base image: " + _SEE)
    return [] if name.name in rules.base_images and not name.digest else [Use(source, line)]


def _no_more_rights(instruction: Instruction) -> None:
    asked = [("network", value) for value in instruction.flag_values("network") if value not in ("default", "none")]
    asked += [("security", value) for value in instruction.flag_values("security") if value != "sandbox"]
    asked += [("device", value) for value in instruction.flag_values("device")]
    if asked:
        name, value = asked[0]
        raise refuse(instruction.line, f"RUN --{name}={value[:40]} is not allowed here", f"leave --{name} out")


def _no_remote_source(instruction: Instruction) -> None:
    """Refuse ADD of an address: it is fetched in the host's network, which reaches services on the loopback."""
    plain = re.sub(r"[\"'\\\[\],`]", " ", instruction.arguments)
    joined = re.sub(r"[\"'\\`]", "", instruction.arguments)
    if _REMOTE.search(joined) or any(_REMOTE.search(word) for word in plain.split()) or "$" in joined:
        raise refuse(
            instruction.line,
            "ADD of an address (or a variable that may hold one) is not allowed here",
            "use COPY for files, and RUN with curl for downloads",
        )
