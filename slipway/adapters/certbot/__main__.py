"""`python -m slipway.adapters.certbot`: certbot, or one question to an authority, in a process of its own.

python -m slipway.adapters.certbot certbot certonly …      runs certbot, then prints a report
python -m slipway.adapters.certbot window DIRECTORY FILE   asks when the certificate in FILE shall be renewed
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC
from pathlib import Path

from slipway.adapters.certbot.report import ReportHandler


def main(argv: list[str]) -> int:
    handler = ReportHandler()
    logging.getLogger("acme.client").addHandler(handler)
    failed: BaseException | None = None
    try:
        return _certbot(argv[1:]) if argv[0] == "certbot" else _window(*argv[1:])
    except BaseException as error:
        failed = error
        raise
    finally:
        print(handler.line(failed), flush=True)  # noqa: T201 - for whoever started this process


def _certbot(arguments: list[str]) -> int:
    from certbot.main import main as certbot  # noqa: PLC0415 - takes most of a second

    ended = certbot(arguments)
    if isinstance(ended, str):  # what it would exit with
        raise SystemExit(ended)
    return ended or 0


def _window(directory_url: str, certificate: str) -> int:
    """Prints the time to renew at, chosen by chance in the authority's window, and when to ask again (Unix seconds)."""
    from acme.client import ClientNetwork, ClientV2  # noqa: PLC0415 - likewise

    network = ClientNetwork(user_agent="slipway")
    client = ClientV2(ClientV2.get_directory(directory_url, network), network)
    chosen, again = client.renewal_time(Path(certificate).read_bytes())
    at = None if chosen is None else chosen.astimezone(UTC).timestamp()
    print(json.dumps({"renew_at": at, "again_at": again.astimezone().timestamp()}))  # noqa: T201 - likewise
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
