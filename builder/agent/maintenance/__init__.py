"""What runs by the clock: stale rows, missed pushes, retention, deleted apps, dangling images and containers."""
