"""An exception that nobody caught, in its own words: for when no other table knows the cause."""

from __future__ import annotations

from slipway.core.causes.table import sign

_FIX_IT = "fix it, and push again"

SIGNS = (
    sign(r"^Traceback \(most recent call last\):\n(?:[ \t][^\n]*\n|\n)+([\w.]+(?:: [^\n]{1,200})?)", "{0}", _FIX_IT),
    sign(r"^(?:Uncaught )?(\w*Error(?: \[\w+\])?: [^\n]{1,200})\n +at ", "{0}", _FIX_IT),
    sign(r"^(panic: [^\n]{1,200})", "{0}", _FIX_IT),
    sign(r"^Exception in thread \"[^\"\n]+\" ([^\n]{1,200})", "{0}", _FIX_IT),
    sign(r"^\S+\.rb:\d+:in [`'][^'\n]*': ([^\n]{1,200} \(\w+\))", "{0}", _FIX_IT),
    sign(r"^thread '[^'\n]*' panicked at [^\n]+:\n([^\n]{1,200})", "panic: {0}", _FIX_IT),
)
