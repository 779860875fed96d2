"""A page that says which version answers, and which replica of it."""

import socket
from pathlib import Path

from flask import Flask, render_template

app = Flask(__name__)
VERSION = Path(__file__).with_name("VERSION").read_text().strip()
REPLICA = socket.gethostname()


@app.get("/")
def index():
    return render_template("index.html", version=VERSION, replica=REPLICA)


@app.get("/version")
def version():
    return {"version": VERSION, "replica": REPLICA}


@app.get("/health")
def health():
    return "ok\n"
