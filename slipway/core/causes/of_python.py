"""Python's own failures, and those of its web servers and frameworks."""

from __future__ import annotations

from slipway.core.causes.of_commands import CORRECT_THE_COMMAND
from slipway.core.causes.table import sign

_FIX_IT = "fix it there, and push again"
_NAME_THE_APP = "correct module:application in the command (Procfile, or [processes] in slipway.toml)"

_PACKAGES = {
    "MySQLdb": "mysqlclient",
    "Crypto": "pycryptodome",
    "PIL": "Pillow",
    "bs4": "beautifulsoup4",
    "cv2": "opencv-python-headless",
    "dateutil": "python-dateutil",
    "dotenv": "python-dotenv",
    "jwt": "PyJWT",
    "psycopg2": "psycopg2-binary",
    "sklearn": "scikit-learn",
    "yaml": "PyYAML",
}
"""Modules whose packages are called otherwise."""

SIGNS = (
    *(
        sign(
            rf"^ModuleNotFoundError: No module named '({module})(?:\.[\w.]+)?'$",
            "{0} is imported but not installed",
            f"list its package, {package}, in requirements.txt or pyproject.toml, and push again",
        )
        for module, package in _PACKAGES.items()
    ),
    sign(
        r", in _find_and_load_unlocked\n(?:[^\n]*\^+[^\n]*\n)?ModuleNotFoundError: No module named '([\w.-]+)'$",
        "the server was asked for the module {0}, which is not in the image",
        _NAME_THE_APP,
    ),
    sign(
        r"^ModuleNotFoundError: No module named '([\w.-]+)'$",
        "{0} is imported but not installed",
        "list its package in requirements.txt or pyproject.toml; if it is a module of yours, push it",
    ),
    sign(
        r"python[\d.]*: No module named '?([\w.-]+)'?$",
        "the command asks Python for the module {0}, which is not installed",
        f"list its package in requirements.txt or pyproject.toml, or {CORRECT_THE_COMMAND}",
    ),
    sign(
        r"^ImportError: cannot import name '([\w.-]+)' from (?:partially initialized module )?'([\w.-]+)'",
        "{1} has nothing named {0}: another version of it is installed than the code was written for",
        "name the version that you have yourself in requirements.txt: {1}==…",
    ),
    sign(
        r'File "([^"\n]+)", line (\d+)\n(?:[^\n]*\n){0,3}?(?:Syntax|Indentation|Tab)Error: ([^\n]{1,200})',
        "{0}, line {1}: Python can't read it ({2})",
        _FIX_IT,
    ),
    sign(
        r"can't open file '([^'\n]+)': \[Errno 2\]",
        "{0} is not in the image",
        f"push it, or {CORRECT_THE_COMMAND}",
    ),
    sign(
        r"Failed to find attribute '([\w.-]+)' in '([\w.-]+)'",
        "gunicorn was asked for {1}:{0}, and {1} has no {0}",
        _NAME_THE_APP,
    ),
    sign(
        r"Error loading ASGI app\. Attribute \"([\w.-]+)\" not found in module \"([\w.-]+)\"",
        "uvicorn was asked for {1}:{0}, and {1} has no {0}",
        _NAME_THE_APP,
    ),
    sign(
        r"Error loading ASGI app\. Could not import module \"([\w.-]+)\"",
        "uvicorn was asked for the module {0}, which can't be imported",
        _NAME_THE_APP,
    ),
    sign(
        r"Error: Could not locate a Flask application",
        "flask does not know which module has the application, and finds neither wsgi.py nor app.py",
        "slipway env set FLASK_APP=…",
    ),
    sign(
        r"Error: Failed to find Flask application or factory in module '([\w.-]+)'",
        "flask finds no application in {0}",
        "name it: slipway env set FLASK_APP={0}:…",
    ),
    sign(
        r"Error: Could not import '([\w.-]+)'\.",
        "flask was asked for the module {0}, which can't be imported",
        "name the one that has the application: slipway env set FLASK_APP=…",
    ),
    sign(
        r"'\$\{?(\w+)\}?' is not a valid (?:port number|integer)",
        "${0} stands in the image's command as it is, because no shell runs it",
        "write the Dockerfile's CMD without brackets: CMD exec gunicorn --bind 0.0.0.0:$PORT app:app",
    ),
    sign(
        r"Error: '' is not a valid port number",
        "the command names no port",
        "write $PORT after the colon (Procfile, or [processes] in slipway.toml)",
    ),
    sign(
        r"Invalid value: File does not exist: (\S+)",
        "{0} is not in the image",
        f"push it, or {CORRECT_THE_COMMAND}",
    ),
    sign(
        r"The SECRET_KEY setting must not be empty",
        "Django's SECRET_KEY is empty",
        "let the settings read it from a variable, then: slipway env set SECRET_KEY=…",
    ),
    sign(
        r"You must set settings\.ALLOWED_HOSTS if DEBUG is False",
        "Django's ALLOWED_HOSTS is empty",
        "list the app's hosts in the settings: slipway domains",
    ),
    sign(
        r"Invalid HTTP_HOST header: '([^'\n]+)'",
        "Django refuses the host {0}, which is not in its ALLOWED_HOSTS",
        "list the app's hosts in the settings: slipway domains",
    ),
    sign(
        r"DJANGO_SETTINGS_MODULE or call settings\.configure\(\)",
        "Django does not know which settings to use",
        "slipway env set DJANGO_SETTINGS_MODULE=…",
    ),
    sign(
        r"django\.db\.utils\.\w+: (?:no such table: ([\w.]+)|relation \"([\w.]+)\" does not exist)",
        "the database has no table {0}",
        "have each deployment make them first: slipway apps set pre_deploy='python manage.py migrate'",
    ),
    sign(
        r"no such table: ([\w.]+)|relation \"([\w.]+)\" does not exist|Table '([\w.]+)' doesn't exist",
        "the database has no table {0}",
        "have each deployment make them first, by your framework's command: slipway apps set pre_deploy='…'",
    ),
    sign(r"^MemoryError$", "Python got no more memory", "give it more: slipway apps set resources.memory_mb=…"),
)
