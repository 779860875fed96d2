"""Previews of pull requests: their apps, what is said of them at the forge, and what was missed of them."""
