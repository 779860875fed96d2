"""GitHub's REST API, as a GitHub App uses it."""
