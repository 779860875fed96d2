"""Services that stand beside apps, and what is done in them."""
