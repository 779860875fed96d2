"""A replica's steps, from its row to its end. Slow ones are background tasks; each reads the row again."""
