""".NET projects: the web project is published, and the image has what that makes."""

from __future__ import annotations

import posixpath
import re

from slipway.core.build.templates import base_images
from slipway.core.build.templates.base_images import ChosenImage, WantedVersion
from slipway.core.build.templates.processes import NoStart, processes
from slipway.core.build.templates.steps import BUILD, copy, run, stage
from slipway.core.build.templates.template import BaseImages, GeneratedDockerfile, Sources, Template, ending, text
from slipway.errors import InvalidInput

_PROJECTS = (".csproj", ".fsproj", ".vbproj")
_BESIDE = (
    "global.json",
    "nuget.config",
    "NuGet.config",
    "NuGet.Config",
    "Directory.Build.props",
    "Directory.Packages.props",
)
READS = ("Procfile", *(f"*{suffix}" for suffix in _PROJECTS))
_IGNORED = "**/bin\n**/obj\n.git\n"
_WEB_SDK = re.compile(r"Sdk\s*=\s*\"Microsoft\.NET\.Sdk\.(?:Web|BlazorWebAssembly)\b")
_NO_START = NoStart("a .NET project", "a project with the SDK Microsoft.NET.Sdk.Web", "add a web project")


def _is_dotnet(sources: Sources) -> bool:
    return any(path.endswith((*_PROJECTS, ".sln", ".slnx")) and path.count("/") <= 2 for path in sources.paths)


def _dotnet(sources: Sources, images: BaseImages) -> GeneratedDockerfile:
    project = _web_project(sources)
    sdk, runtime = (_image(sources, project, image, images) for image in (images.dotnet, images.dotnet_runtime))
    program = _assembly(sources, project)
    started = processes(sources, f"env ASPNETCORE_URLS=http://0.0.0.0:$PORT dotnet /app/{program}.dll", _NO_START)
    folder = posixpath.dirname(project)
    locked = ["--locked-mode"] if posixpath.join(folder, "packages.lock.json") in sources.paths else []
    lines = [
        stage(sdk.reference),
        "WORKDIR /src",
        *_manifests(sources),
        run(["dotnet", "restore", project, *locked], "/root/.nuget/packages"),
        copy("."),
        run(["dotnet", "publish", project, "-c", "Release", "-o", "/out"], "/root/.nuget/packages"),
        f"FROM {runtime.reference}",
        "WORKDIR /app",
        "ENV DOTNET_EnableDiagnostics=0",
        copy("/out/", to="/app/", stage=BUILD),
        *ending(started.argv),
    ]
    notes = (f"{project} is published", *sdk.notes)
    return GeneratedDockerfile("dotnet", text(lines), _IGNORED, started.command_lines, notes=notes)


def _manifests(sources: Sources) -> list[str]:
    """The steps that copy what the restoring of packages reads."""
    beside = [name for name in _BESIDE if name in sources.paths]
    read = sorted(path for path in sources.paths if path.endswith((*_PROJECTS, "packages.lock.json")))
    return [*([copy(*beside)] if beside else []), *(copy(path, to=f"./{path}") for path in read)]


def _web_project(sources: Sources) -> str:
    """The project that is a web server.

    Raises:
        InvalidInput: there is none, or there are several.
    """
    own = {path: content for path, content in sources.contents.items() if path.endswith(_PROJECTS)}
    web = sorted(path for path, content in own.items() if _WEB_SDK.search(content))
    if len(web) > 1:
        raise InvalidInput(
            f"this solution has several web projects: {', '.join(web[:5])}",
            remedy="name the folder of one in slipway.toml: [build] context = …, or add a Dockerfile",
        )
    if not web:
        raise InvalidInput(
            "this is a .NET project, but none of its projects is a web server (the SDK Microsoft.NET.Sdk.Web)",
            remedy="add a web project (dotnet new web), or a Dockerfile",
        )
    return web[0]


def _element(sources: Sources, project: str, name: str) -> str:
    found = re.search(rf"<{name}>([^<]*)</{name}>", sources.contents.get(project, ""))
    return found[1].strip() if found else ""


def _assembly(sources: Sources, project: str) -> str:
    named = _element(sources, project, "AssemblyName")
    return named if re.fullmatch(r"[\w.-]+", named) else posixpath.splitext(posixpath.basename(project))[0]


def _image(sources: Sources, project: str, image: str, images: BaseImages) -> ChosenImage:
    framework = _element(sources, project, "TargetFramework") or _element(sources, project, "TargetFrameworks")
    found = re.match(r"net(\d{1,9}\.\d{1,9})", framework)
    if found is None:
        return ChosenImage(image)
    wanted = WantedVersion(".NET", found[1], project, lambda version: version == found[1], found[1])
    return base_images.choose(image, wanted, images.host)


DOTNET = Template("dotnet", "*.csproj or *.sln (.NET)", READS, _is_dotnet, _dotnet)
