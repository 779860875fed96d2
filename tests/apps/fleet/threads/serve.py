"""A thread for each connection. Answers with the replica's name, and with what was posted after it."""

import os
import socketserver

NAME = os.uname().nodename


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        while self.rfile.readline():
            length = 0
            while (line := self.rfile.readline()).strip():
                name, _, value = line.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
            body = NAME.encode() + (b" " + self.rfile.read(length) if length else b"")
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 128


Server(("0.0.0.0", int(os.environ["PORT"])), Handler).serve_forever()
