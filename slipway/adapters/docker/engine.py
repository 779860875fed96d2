"""The connection to the Docker Engine: one pool for all threads, made on first use and made anew after it was lost."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import requests
import urllib3
from docker import APIClient
from docker.errors import APIError, DockerException

from slipway.errors import DependencyUnavailable

CALL_TIMEOUT_S = 60
POOL_SIZE = 32  # threads of the agent; output that is followed has connections of its own

# What runc and containerd wrap around the one sentence that matters.
_WRAPPING = re.compile(
    r"(failed to create (shim|task)( task)?( for container)?|OCI runtime (create|start) failed|runc create failed"
    r"|unable to start container process|container init caused|starting container process caused"
    r"|[a-z_]+_linux\.go:\d+|Error response from daemon|[Cc]annot start service \S+): "
)


class DockerEngine:
    """The Engine at `url` (`unix://…` or `tcp://…`). Safe to use from several threads."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._lock = threading.Lock()
        self._api: APIClient | None = None

    @contextmanager
    def asked_to(self, what: str) -> Iterator[APIClient]:
        """The API, for one thing; `what` completes "the Docker Engine could not …".

        What the block itself does not handle of the Engine's refusals, and every loss of the Engine, becomes
        `DependencyUnavailable`.
        """
        try:
            yield self._client()
        except APIError as error:
            if error.status_code == 400 and "client version" in sentence(error):
                self._forget()  # the Engine was replaced by one that speaks other versions
            raise DependencyUnavailable(
                f"The Docker Engine could not {what}: {sentence(error)}", remedy="it will be tried again"
            ) from error
        except (DockerException, requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            self._forget()
            raise DependencyUnavailable(
                f"The Docker Engine does not answer; it could not {what}.",
                remedy="start it (systemctl start docker); what runs keeps running, and this will be tried again",
            ) from error

    def _client(self) -> APIClient:
        with self._lock:
            if self._api is None:
                _check_listening(self.url)
                self._api = APIClient(self.url, version="auto", timeout=CALL_TIMEOUT_S, max_pool_size=POOL_SIZE)
                self._api.trust_env = False  # no proxy, no .netrc: it is a local socket, and each costs every call
            return self._api

    def close(self) -> None:
        """Close idle connections. Used again, it connects anew."""
        self._forget()

    def _forget(self) -> None:
        with self._lock:
            if self._api is not None:
                self._api.close()  # what other threads have under way goes on
            self._api = None


def _check_listening(url: str) -> None:
    """Raises OSError where nothing listens: the SDK would leave its socket open there."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(CALL_TIMEOUT_S)
            connection.connect(parts.path)


def sentence(error: APIError) -> str:
    """What the Engine said, without what its layers wrapped around it."""
    said = error.explanation or str(error)
    return _WRAPPING.sub("", str(said)).removesuffix(": unknown").strip()
