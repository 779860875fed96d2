"""Stand-ins for the platform's four Python services, with their names and sockets and nothing behind them."""

from __future__ import annotations

from pathlib import Path

_WSGI = """\
import os

def app(environ, start_response):
    if environ["PATH_INFO"] == "/environment":
        body = os.environ.get("SLIPWAY_GITHUB_TOKEN", "not set").encode()
    else:
        body = b"ready"
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
"""
_GUNICORN = """\
import os

bind = "unix:" + os.path.join(os.environ["SLIPWAY_STATE_DIR"], "run", "router.sock")
umask = 0o077
"""
_WORKER = """\
import subprocess, sys

child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])
child.wait()
"""
_AGENT = """\
import os, socketserver
from http.server import BaseHTTPRequestHandler

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def address_string(self):
        return "unix"

path = os.path.join(os.environ["SLIPWAY_STATE_DIR"], "run", "agent.sock")
if os.path.exists(path):
    os.unlink(path)
socketserver.ThreadingUnixStreamServer(path, Handler).serve_forever()
"""


def write(folder: Path, *, agent: str = _AGENT) -> Path:
    """A folder that holds the stand-ins as packages."""
    for package, files in {
        "webhook": {"wsgi.py": _WSGI},
        "router": {"wsgi.py": _WSGI, "gunicorn.py": _GUNICORN},
        "builder": {"worker.py": _WORKER, "agent.py": agent},
    }.items():
        (folder / package).mkdir(parents=True, exist_ok=True)
        (folder / package / "__init__.py").touch()
        for name, text in files.items():
            (folder / package / name).write_text(text)
    return folder
