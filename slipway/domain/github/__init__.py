"""The platform's GitHub App, and the installations of it that tenants have connected."""
