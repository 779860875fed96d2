"""What tests push: an app that tells its version, echoes, streams, counts and misbehaves on request."""

import http.server
import os
import signal
import sys
import time
from pathlib import Path

VERSION = (Path(__file__).parent / "VERSION").read_text().strip()
BEHAVIOUR = Path(__file__).parent / "BEHAVIOUR"
MODE = BEHAVIOUR.read_text().strip() if BEHAVIOUR.exists() else ""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path == "/health":
            self._answer(500 if MODE == "unhealthy" else 200, VERSION)
        elif self.path.startswith("/stream/"):
            self._stream(float(self.path.rpartition("/")[2]))
        elif self.path.startswith("/slow/"):
            time.sleep(float(self.path.rpartition("/")[2]))
            self._answer(200, VERSION)
        elif self.path.startswith("/env/"):
            self._answer(200, os.environ.get(self.path.rpartition("/")[2], ""))
        elif self.path.startswith("/exit/"):
            os._exit(int(self.path.rpartition("/")[2]))
        else:
            self._answer(200, VERSION)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._answer(200, f"{VERSION} {body.decode()}")

    def _stream(self, seconds):
        """The version once per 100 ms, chunked, then the word `end`."""
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self._chunk(f"{VERSION}\n")
            time.sleep(0.1)
        self._chunk("end\n")
        self.wfile.write(b"0\r\n\r\n")

    def _chunk(self, text):
        self.wfile.write(f"{len(text):x}\r\n{text}\r\n".encode())
        self.wfile.flush()

    def _answer(self, status, text):
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Version", VERSION)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def main():
    if MODE == "crash":
        sys.exit("KeyError: 'DATABASE_URL'")
    server = http.server.ThreadingHTTPServer(("0.0.0.0", int(os.environ["PORT"])), Handler)
    server.daemon_threads = False
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    print(f"version {VERSION} listens", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
