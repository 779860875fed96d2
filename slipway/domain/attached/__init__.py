"""Services that stand beside apps, as rows."""
