"""What `make demo` and the tests need and production does not: a small git forge, and the driver of the demo.

The forge speaks GitHub's protocols (smart HTTP, signed deliveries, commit statuses), so that the platform's real path
is walked where GitHub itself can't be reached.
"""
