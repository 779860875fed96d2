"""`python -m slipway.migrations`: bring the configured database to the newest schema, and see that the services' role
may work on it."""

import sys

from slipway import settings
from slipway.db import Database
from slipway.errors import SlipwayError
from slipway.migrations import upgrade
from slipway.settings import Settings


def main(chosen: Settings) -> str:
    """The schema's revision.

    Raises:
        UnsafeDatabaseRole: no policy would hold for the services' role.
        SettingsError: there is no such role, and none can be made.
    """
    database = Database(chosen.database_owner_url or chosen.database_url, pool=False, any_role=True)
    revision = upgrade(database.engine)
    if chosen.database_owner_url:
        from slipway.migrations import service_role  # noqa: PLC0415  imports the driver, which SQLite does without

        service_role.prepare(database.engine, chosen.database_url)
    database.dispose()
    with Database(chosen.database_url, pool=False).read(platform="try the services' role"):
        return revision


if __name__ == "__main__":
    try:
        sys.stdout.write(f"schema at revision {main(settings.load())}\n")
    except SlipwayError as error:
        sys.exit(f"{error.message}\n  → {error.remedy}")
