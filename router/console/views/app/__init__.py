"""The pages and acts of one app."""
