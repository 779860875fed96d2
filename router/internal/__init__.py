"""What the edge asks of the router: who calls an app, and where people sign in. On a unix socket of its own."""
