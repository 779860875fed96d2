"""A real authority for `make demo TLS=1` and for tests: pebble, and the DNS server that it asks."""
