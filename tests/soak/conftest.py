"""The long runs share one platform, like the end-to-end tests."""

from tests.e2e.conftest import stack

__all__ = ["stack"]
