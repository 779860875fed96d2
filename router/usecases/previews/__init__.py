"""Previews of pull requests, as the API and the console ask for them."""
