"""Previews of pull requests as rows: what deliveries and people say of them, and how they end."""
