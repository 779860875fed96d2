"""Signing in through the browser: the device authorization grant (RFC 8628), and the login that is kept of it."""
