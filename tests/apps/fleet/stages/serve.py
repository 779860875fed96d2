"""Answers with the replica's name alone, if the image's first stage left what it should."""

import os
import select
import socket
from pathlib import Path

assert Path("greeting").read_text() == "served-by\n"
name = os.uname().nodename.encode()
answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(name), name)
server = socket.create_server(("0.0.0.0", int(os.environ["PORT"])), backlog=128)
clients = [server]
while True:
    for each in select.select(clients, [], [])[0]:
        if each is server:
            clients.append(server.accept()[0])
            continue
        try:
            data = each.recv(65536)
        except ConnectionError:
            data = b""
        if data.endswith(b"\r\n\r\n"):
            each.sendall(answer)
        if not data:
            clients.remove(each)
            each.close()
