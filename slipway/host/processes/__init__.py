"""The platform's processes on a host: their table, starting, stopping, asking."""
