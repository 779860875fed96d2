"""`python -m slipway.migrations`: bring the configured database to the newest schema."""

import sys

from slipway import settings
from slipway.db import Database
from slipway.migrations import upgrade

if __name__ == "__main__":
    database = Database(settings.load().database_url, pool=False)
    sys.stdout.write(f"schema at revision {upgrade(database.engine)}\n")
    database.dispose()
