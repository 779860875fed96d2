"""Serves what the build could reach, and what the replica can."""

import http.server
import json
import os

import spy


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        with open("build.json") as file:
            seen = {"build": json.load(file), "replica": spy.look(os.environ["GOALS"])}
        body = json.dumps(seen).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


http.server.ThreadingHTTPServer(("0.0.0.0", int(os.environ["PORT"])), Handler).serve_forever()
