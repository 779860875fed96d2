"""A page for signed-in members of the app's tenant alone. The app has no line about signing in: Slipway's edge does
that, and says in headers who it is."""

from pathlib import Path

from flask import Flask, render_template, request

app = Flask(__name__)
VERSION = Path(__file__).with_name("VERSION").read_text().strip()


@app.get("/")
def index():
    user = request.headers.get("X-Forwarded-User", "")
    groups = request.headers.get("X-Forwarded-Groups", "").split(",")
    return render_template("index.html", version=VERSION, user=user, groups=[group for group in groups if group])


@app.get("/health")
def health():
    return "ok\n"
