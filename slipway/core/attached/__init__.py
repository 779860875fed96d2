"""Services that stand beside apps: databases and stores, as apps of an image with a volume."""
