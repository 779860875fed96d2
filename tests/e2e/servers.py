"""Apps on the servers that people use, each in a version that works and in one that does not."""

from __future__ import annotations

from dataclasses import dataclass

REQUIREMENTS = "flask\ngunicorn\nuvicorn\nwaitress\ndjango\n"
"""The same of all, so that they are installed once."""
WATCH_S = 10
PATIENT_S = 120
"""What a busy host may take to start a replica; those who ask meanwhile wait."""

VERSION = 'from pathlib import Path\n\nVERSION = Path(__file__).with_name("VERSION").read_text().strip()\n'
FLASK = f"""{VERSION}
from flask import Flask

app = Flask(__name__)
app.get("/")(lambda: VERSION)
"""
ASGI = f"""{VERSION}

async def app(scope, receive, send):
    if scope["type"] == "http":
        headers = [(b"content-length", str(len(VERSION)).encode())]
        await send({{"type": "http.response.start", "status": 200, "headers": headers}})
        await send({{"type": "http.response.body", "body": VERSION.encode()}})
"""
DJANGO = f"""{VERSION}
import os
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import path

settings.configure(SECRET_KEY={{key}}, ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"])
urlpatterns = [path("", lambda _: HttpResponse(VERSION))]
app = get_wsgi_application()
"""
PLAIN = f"""{VERSION}
import contextlib, multiprocessing, os, socket, threading, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


ANSWERING = multiprocessing.Lock()  # half an answer could be repaired by nobody
VISITED = threading.Event()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.headers["User-Agent"] != "slipway-probe":
            VISITED.set()
        with ANSWERING:
            self.send_response(200)
            self.send_header("Content-Length", str(len(VERSION)))
            self.end_headers()
            self.wfile.write(VERSION.encode())


class Server(ThreadingHTTPServer):
    request_queue_size = 128


def serve():
    Server(("0.0.0.0", int(os.environ["PORT"])), Handler).serve_forever()

"""
NO_HTTP = """
with socket.create_server(("0.0.0.0", int(os.environ["PORT"]))) as listener:
    while True:
        connection, _ = listener.accept()
        with contextlib.suppress(OSError), connection:
            connection.sendall(b"* OK IMAP4rev1 ready\\r\\n")
            connection.recv(4096)
"""
FORKS = """
if os.fork():
    time.sleep(1)
    ANSWERING.acquire()
    os._exit(0)  # the child answered meanwhile
serve()
"""
CRASHES = """
def crash():
    VISITED.wait()
    time.sleep(3)
    ANSWERING.acquire()
    print("out of luck", flush=True)
    os._exit(7)

threading.Thread(target=crash).start()
serve()
"""
GUNICORN = "gunicorn --bind 0.0.0.0:$PORT app:app"


@dataclass(frozen=True)
class Case:
    """An app, and what becomes of its second version."""

    name: str
    command: str
    good: str
    bad: str
    ends: str = "failed"
    reason: str = "start-crashed"
    mentions: tuple[str, ...] = ()
    """Words of the deployment's detail, remedy or tail."""
    watch_s: int = 0

    def settings(self) -> str:
        timeouts = f"[timeouts]\nprobe_s = {PATIENT_S}\nwatch_s = {self.watch_s}\nstop_s = 2\n"
        waiting = f"[waiting]\ntimeout_s = {PATIENT_S}\n"
        return f'{timeouts}{waiting}[processes.web]\ncommand = "{self.command}"\n'


CASES = (
    Case(
        "nohttp",
        "python -u app.py",
        f"{PLAIN}\nserve()\n",
        PLAIN + NO_HTTP,
        reason="start-probe-failed",
        mentions=("was answered with something that is not HTTP", "slipway apps set -a nohttp health=tcp"),
    ),
    Case("slow", GUNICORN, FLASK, f"import time\n\ntime.sleep(8)\n{FLASK}", ends="live", reason=""),
    Case(
        "gunicorn",
        GUNICORN,
        FLASK,
        f"import no_such_module\n{FLASK}",
        mentions=("replica web.1 ended with exit code 3", "no_such_module is imported but not installed"),
    ),
    Case(
        "uvicorn",
        "uvicorn --host 0.0.0.0 --port $PORT app:app",
        ASGI,
        f"{ASGI}\nimport os\n\nURL = os.environ['DATABASE_URL']\n",
        mentions=("ended with exit code 1", "slipway env set -a uvicorn DATABASE_URL="),
    ),
    Case(
        "waitress",
        "waitress-serve --listen=0.0.0.0:$PORT app:app",
        FLASK,
        f"{FLASK}\nimport sqlite3\n\nsqlite3.connect('/app/shop.db').execute('create table carts (id)')\n",
        mentions=("the root file system is read-only",),
    ),
    Case(
        "django",
        GUNICORN,
        DJANGO.format(key="'a secret of tests'"),
        DJANGO.format(key="os.environ['SECRET_KEY']"),
        mentions=("replica web.1 ended with exit code 3", "slipway env set -a django SECRET_KEY="),
    ),
    Case(
        "forks",
        "python -u app.py",
        f"{PLAIN}\nserve()\n",
        PLAIN + FORKS,
        mentions=("replica web.1 ended with exit code 0", "must stay in the foreground"),
        watch_s=WATCH_S,
    ),
    Case(
        "crashes",
        "python -u app.py",
        f"{PLAIN}\nserve()\n",
        PLAIN + CRASHES,
        mentions=("replica web.1 ended with exit code 7, ", "s after it went live; v1 serves again", "out of luck"),
        watch_s=WATCH_S,
    ),
)
"""Those that take long to be ready, or not, come first: the others are built meanwhile. Those that are watched come
last: the command that is asked about them sees them end."""
