"""A program without a manifest is known by the content of its scripts; a site's scripts show none."""

from __future__ import annotations

import pytest

from slipway.core.build.detection import detect
from slipway.core.build.program_content import MOST_GLANCED_AT, glanced_at
from slipway.core.build.templates.template import BaseImages, Sources
from slipway.errors import InvalidInput

IMAGES = BaseImages("python:3.11-slim", "python:3.11-slim")
PAGE = "<p>hello"
IMPORT_MAP = '<script type="importmap">{"imports": {"three": "https://cdn.example/three.js"}}</script>'


def template(files: dict[str, str]) -> str:
    everything = {"index.html": PAGE} | files
    return detect(Sources(frozenset(everything), everything), IMAGES).template


NODE = {
    "a module in a variable": ("server.js", "const mongoose = require('mongoose')\n"),
    "several of it": ("server.js", "const { Pool, types } = require('pg')\n"),
    "a module for its effect": ("server.js", "\"use strict\";\nrequire('dotenv').config()\n"),
    "a bare import": ("server.js", "import { WebSocketServer } from 'ws'\n"),
    "a bare import over lines": ("server.js", 'import {\n  Client,\n  Intents,\n} from "discord.js";\n'),
    "a bare import behind another": ("server.js", "import a from './a.js';import ws from\"ws\";a(ws)"),
    "a bare import of a scope": ("server.mjs", "import { S3 } from '@aws-sdk/client-s3'\n"),
    "a bare import for its effect": ("server.js", "import 'dotenv/config'\n"),
    "an export from a bare module": ("lib/x.js", "export * from 'hono'\n"),
    "a built-in module": ("server.js", "import net from 'net'\n"),
    "a module of npm in Deno": ("server.js", "import a from 'npm:chalk@5'\n"),
    "Bun": ("server.js", "Bun.serve({ fetch() { return new Response('x') } })\n"),
    "Deno": ("server.js", "Deno.serve(() => new Response('x'))\n"),
    "Deno with an import from the web": (
        "server.js",
        "import { x } from 'https://deno.land/x/y.ts'\nDeno.serve({ port: 1 }, x)\n",
    ),
    "Deno's environment": ("lib/key.js", "export const key = Deno.env.get('KEY')\n"),
    "an object with fetch": ("index.js", "export default { fetch(request) { return new Response('x') } }\n"),
    "fetch after others": (
        "src/worker.js",
        "export default {\n  port: 3000,\n  tls: { key: 1 },\n  // the rest\n  async fetch(req, env) {\n  },\n}\n",
    ),
    "fetch by its name": ("index.js", "function fetch() {}\nexport default { port, fetch }\n"),
    "another name at the root": ("backend.js", "var http = require('http')\n"),
    "a function of a folder": ("api/hello.js", "export default function handler(req, res) { res.json({}) }\n"),
    "an arrow of a folder": ("api/hello.js", "export default async (req, res) => res.json({})\n"),
    "a function without a name": ("api/hello.js", "module.exports = (req, res) => res.json({})\n"),
    "a method's function": ("api/hello.js", "export async function GET(request) { return new Response('x') }\n"),
    "a server in a folder": ("server/index.js", "const app = require('express')()\n"),
    "an exported handler": ("netlify/functions/hello.js", "exports.handler = async (event) => ({ statusCode: 200 })\n"),
    "a handler of a module": ("netlify/functions/hello.js", "export const handler = async (event, context) => {}\n"),
    "a request's answer": ("netlify/functions/a.mjs", "export default async (req) => new Response('hello')\n"),
    "a Pages function": ("functions/api/x.js", "export async function onRequest(context) {}\n"),
    "a shebang": ("tools/serve.js", "#!/usr/bin/env node\nrun()\n"),
    "without a suffix": ("bin/www", "#!/usr/bin/env node\nrequire('../app')\n"),
    "a name that counts in any case": ("SERVER.JS", "const a = require('a')\n"),
    "deep below, among many": ("a/b/c/d/server.js", "const a = require('a')\n"),
    "a server that was bundled": ("server.js", "var __webpack_require__;const h = require('http')\n"),
    "relative files as modules": ("server.js", "const routes = require('./routes')\n"),
    "compiled from TypeScript": (
        "main.js",
        'Object.defineProperty(exports, "__esModule", {});\nexports.start = start;\n',
    ),
}


@pytest.mark.parametrize(("path", "content"), list(NODE.values()), ids=list(NODE))
def test_a_node_program_is_named(path: str, content: str) -> None:
    many = {f"js/part{number}.js": "show()" for number in range(MOST_GLANCED_AT + 5)}
    with pytest.raises(InvalidInput) as refused:
        template({path: content, **(many if "many" in path or path.startswith("a/b") else {})})
    assert f"a Node project ({path})" in refused.value.message


@pytest.mark.parametrize(
    ("first", "named"),
    [
        ("#!/usr/bin/env python3", "a Python project"),
        ("#!/usr/local/bin/python2.7 -u", "a Python project"),
        ("#! /usr/bin/perl", "its first line"),
        ("#!/bin/sh", "its first line"),
        ("#!/usr/bin/env -S deno run --allow-net", "a Node project"),
        ("\ufeff#!/usr/bin/tclsh", "its first line"),
    ],
)
@pytest.mark.parametrize("path", ["cgi-bin/form", "serve"])
def test_a_first_line_that_names_an_interpreter_shows_a_program(first: str, named: str, path: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        template({path: f"{first}\nx\n"})
    assert f"({path})" in refused.value.message
    assert named in refused.value.message


SITES = {
    "a bundle that could be required": {"a.js": "typeof exports==='object'?module.exports=f(require('jquery')):f()"},
    "jQuery": {
        "js/jquery.js": '!function(e,t){"object"==typeof module&&"object"==typeof module.exports?module.exports=t(e)'
    },
    "D3": {
        "js/d3.js": "(function (global, factory) {\n"
        "typeof exports === 'object' && typeof module !== 'undefined' ? factory(exports, require('d3-array')) : 0"
    },
    "a bundle of webpack's": {
        "dist.js": "/***/ (function(module, exports, __webpack_require__) {\nmodule.exports = 1;"
    },
    "a bundle of Browserify's": {
        "b.js": "},{}],2:[function(require,module,exports){\nvar e = require('events');\nmodule.exports = e;\n"
    },
    "modules of RequireJS": {"m.js": "define(function(require) {\n  var $ = require('jquery');\n});"},
    "WebAssembly's glue": {
        "a.js": "var N = typeof process == 'object';\nif (N) { var fs = require('fs'); args = process.argv }"
    },
    "modules of its own": {"app.js": "import { a } from './a.js'\nimport b from '/lib/b.js'\n"},
    "modules of a network": {"app.js": "import { h } from 'https://esm.sh/preact'\nimport \"https://unpkg.com/x\";\n"},
    "a bundle of modules": {"assets/index-4f.js": 'const e=1;export{e as default};import{t}from"./chunk-2.js";'},
    "bare imports by the page's map": {"index.html": IMPORT_MAP, "app.js": "import * as T from 'three'\n"},
    "bare imports by another page's map": {"a/index.html": IMPORT_MAP, "a/app.js": "import * as T from 'three'\n"},
    "an object that calls fetch": {"api.js": "export default { load: () => fetch('/x'), get: fetch }\n"},
    "a component that has a method fetch": {
        "app.js": "export default {\n  methods: {\n    async fetch(id) {\n      this.x = 1\n    },\n  },\n}\n"
    },
    "a service worker": {"sw.js": "self.addEventListener('fetch', event => event.respondWith(fetch(event.request)))"},
    "a web component": {"x.js": "customElements.define('x-y', class extends HTMLElement {})\n"},
    "a helper for requests": {"api.js": "export async function send(request) { return fetch(request) }\n"},
    "the configuration of a tool": {"tailwind.config.js": "module.exports = { content: [] }\n"},
    "a library's file": {"vendor/x/index.js": "module.exports = require('y')\n"},
    "a library that was made small": {"js/x.min.js": "module.exports=1"},
    "files without a suffix": {"CNAME": "example.org\n", "LICENSE": "MIT\n", "about": "<p>#!/bin/sh\n", "x": "#!no"},
    "words that begin alike": {"app.js": "importScripts('x')\nexported(from 'y')\nconst require_x = 'a'\n"},
}


@pytest.mark.parametrize("files", list(SITES.values()), ids=list(SITES))
def test_a_sites_scripts_show_no_program(files: dict[str, str]) -> None:
    assert template(files) == "static"


def test_so_many_files_are_glanced_at_and_no_more() -> None:
    scripts = [f"js/{number:05}.js" for number in range(10_000)]
    pages = [f"{number:05}.html" for number in range(10_000)]
    found = glanced_at([*scripts, *pages, "z/y/x/server.js", "node_modules/a/index.js", ".github/x.js"])
    assert len(found) == 2 * MOST_GLANCED_AT
    assert found[0] == "z/y/x/server.js", "likely names come first, wherever they lie"
