"""Django projects: where they begin, and how their static files are collected and served without a change of theirs."""

from __future__ import annotations

import json
import posixpath
import re
from dataclasses import dataclass

from slipway.core.build.templates.of_python.project import Project
from slipway.core.build.templates.of_python.start import Start

READS = ("manage.py", "*/manage.py", "*/wsgi.py", "*/asgi.py", "*/settings.py", "*/settings/*.py")
SERVER = "/srv/slipway_django.py"
_MANAGER = re.compile(r"(?:[\w-]+/)*manage\.py")
_SETTINGS = re.compile(r"DJANGO_SETTINGS_MODULE[\"'\]]+\s*(?:,|=)\s*[\"']([\w.]+)[\"']")

_SERVER = """\
import importlib
import os
import sys

sys.path.insert(0, {folder!r})
SETTINGS, WSGI = {settings!r}, {wsgi!r}
if SETTINGS:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", SETTINGS)
IN_IMAGE, IN_MEMORY = "/srv/static", "/tmp/static"


def collect(folder):
    import django
    from django.apps import apps
    from django.conf import settings
    from django.core.management import call_command

    if not apps.ready:
        django.setup()
    if apps.is_installed("django.contrib.staticfiles"):
        settings.STATIC_ROOT = folder(settings)
        call_command("collectstatic", interactive=False, verbosity=1)


def collected(settings):
    return next((each for each in (settings.STATIC_ROOT, IN_IMAGE) if each and os.path.isdir(each)), None)


def served():
    application = importlib.import_module(WSGI).application
    from django.conf import settings
    from whitenoise import WhiteNoise

    url = settings.STATIC_URL or ""
    if not url.startswith("/") or url.startswith("//"):
        return application
    if collected(settings) is None:
        collect(lambda _: IN_MEMORY)
    elif any("whitenoise" in each.lower() for each in settings.MIDDLEWARE) and settings.STATIC_ROOT:
        return application
    folder = collected(settings) or IN_MEMORY
    settings.STATIC_ROOT = settings.STATIC_ROOT or folder
    return WhiteNoise(application, root=folder, prefix=url) if os.path.isdir(folder) else application


if __name__ == "__main__":
    collect(lambda settings: settings.STATIC_ROOT or IN_IMAGE)
else:
    application = served()
"""
_LATER = (
    "static files: collecting them failed, see above. They are collected when the app starts, where the app is started "
    "without a command of its own. What the settings need: slipway env set --build NAME=VALUE"
)


@dataclass(frozen=True, slots=True)
class Django:
    """A Django project."""

    folder: str
    """Of manage.py; empty: the root."""
    settings: str
    wsgi: str
    """The module; empty where there is none."""
    asgi: str


def found(project: Project) -> Django | None:
    """The project of the manage.py that is nearest to the root."""
    contents = project.sources.contents
    managers = sorted((path for path in contents if _MANAGER.fullmatch(path)), key=_nearness)
    manage = next((path for path in managers if path == "manage.py" or "django" in contents[path].lower()), None)
    if manage is None:
        return None
    folder = posixpath.dirname(manage)
    wsgi, asgi = (_module(project, folder, name) for name in ("wsgi", "asgi"))
    served = contents.get(_path(folder, wsgi or asgi), "")
    settings = _SETTINGS.search(served) or _SETTINGS.search(contents[manage])
    return Django(folder, settings[1] if settings else "", wsgi, asgi) if wsgi or asgi else None


def start(project: Project, django: Django) -> Start:
    """The command: the server that serves static files, too, or the project's own ASGI application, where it has no
    other or speaks over channels."""
    chdir = f"--chdir {django.folder} " if django.folder else ""
    if not django.wsgi or (django.asgi and project.lists("channels")):
        app_dir = f"--app-dir {django.folder} " if django.folder else ""
        return Start(f"uvicorn --host 0.0.0.0 --port $PORT {app_dir}{django.asgi}:application", server="uvicorn")
    served = f"--pythonpath {posixpath.dirname(SERVER)} {posixpath.basename(SERVER)[:-3]}:application"
    return Start(f"gunicorn --bind 0.0.0.0:$PORT {chdir}{served}", server="gunicorn")


def steps(django: Django) -> list[str]:
    """The steps that write the server and collect the static files. Settings that can't be loaded without the app's
    variables don't fail the build."""
    folder = f"/app/{django.folder}".rstrip("/")
    text = _SERVER.format(folder=folder, settings=django.settings, wsgi=django.wsgi)
    script = f"import pathlib; pathlib.Path({SERVER!r}).write_text({text!r})"
    return [
        f"RUN {json.dumps(['python', '-c', script])}",
        f"RUN cd {folder} && python {SERVER} || echo {json.dumps(_LATER)}",
    ]


def _module(project: Project, folder: str, name: str) -> str:
    """The module of this name that is nearest to manage.py."""
    prefix = f"{folder}/" if folder else ""
    fitting = re.compile(rf"{re.escape(prefix)}(?:\w+/)*{name}\.py")
    paths = sorted((path for path in project.sources.paths if fitting.fullmatch(path)), key=_nearness)
    return paths[0].removeprefix(prefix)[:-3].replace("/", ".") if paths else ""


def _path(folder: str, module: str) -> str:
    return posixpath.join(folder, module.replace(".", "/") + ".py")


def _nearness(path: str) -> tuple[int, str]:
    return path.count("/"), path
