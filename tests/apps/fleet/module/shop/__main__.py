"""A project without a Dockerfile."""

import os
import socketserver
import sys

NAME = os.uname().nodename.encode()


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        while line := self.rfile.readline():
            if not line.strip():
                self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(NAME), NAME))


socketserver.ThreadingTCPServer.daemon_threads = True
socketserver.ThreadingTCPServer(("", int(sys.argv[sys.argv.index("--port") + 1])), Handler).serve_forever()
