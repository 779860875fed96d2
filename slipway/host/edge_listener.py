"""The edge's public sockets, held open while nginx itself is started again.

nginx takes over listening sockets that its parent names in the NGINX variable (how it replaces its own binary). So
this small process listens, starts nginx with the sockets, and starts it anew when it dies: clients that connect
meanwhile wait in a socket's queue instead of being refused. When this process dies itself, the kernel tells nginx to
finish and end.

Source: nginx, src/core/nginx.c (ngx_add_inherited_sockets).
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing

from slipway import settings as slipway_settings
from slipway.errors import SlipwayError
from slipway.host import edge
from slipway.host.certificate_follower import EVERY_S, Follower
from slipway.settings import address_of

BACKLOG = 4096
BIND_TIMEOUT_S = 30.0
_SHORT_LIFE_S = 1.0
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)


def listen_on(listen: str) -> socket.socket:
    """The listening socket; waits for a predecessor's that is about to close.

    Raises:
        OSError: somebody else has the port.
    """
    host, port = address_of(listen)
    until = time.monotonic() + BIND_TIMEOUT_S
    while True:
        try:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            held = socket.create_server((host, port), family=family, backlog=BACKLOG)
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)
        else:
            # nginx takes an inherited socket as it is. Of two workers that wake for one connection, the one that comes
            # too late would wait in accept() for the next, and all that it carries with it.
            held.setblocking(False)
            return held


class Keeper:
    """Keeps nginx running on the held sockets until SIGTERM."""

    def __init__(
        self,
        prepare: Callable[[], Sequence[str]],
        held: Sequence[socket.socket],
        environment: Mapping[str, str],
        follower: Follower | None = None,
    ) -> None:
        """`follower`: brings certificates to nginx, where it serves HTTPS."""
        self._prepare = prepare
        self._descriptors = tuple(each.fileno() for each in held)
        self._environment = dict(environment) | {"NGINX": "".join(f"{each};" for each in self._descriptors)}
        self._nginx: subprocess.Popen[bytes] | None = None
        self._stopping = False
        self._follower = follower

    def run(self) -> int:
        """Start nginx, again whenever it dies; returns nginx's exit code after SIGTERM, or when nginx can't start."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
            signal.signal(number, self._pass_on)
        while True:
            started = time.monotonic()
            nginx = self._start()
            if self._stopping:
                nginx.terminate()  # the signal came while it was being started
            code = self._wait(nginx)
            if self._stopping or time.monotonic() - started < _SHORT_LIFE_S:
                return code if code >= 0 else 128 - code
            sys.stderr.write(f"nginx ended ({code}); starting it again on the same sockets\n")

    def _wait(self, nginx: subprocess.Popen[bytes]) -> int:
        """Follow certificates until nginx ends; its exit code."""
        if self._follower is None:
            return nginx.wait()
        self._follower.forget()
        with closing(_Ended(nginx.pid)) as ended:
            while not ended.within(EVERY_S):
                self._follower.look()
        return nginx.wait()

    def _start(self) -> subprocess.Popen[bytes]:
        self._nginx = subprocess.Popen(
            list(self._prepare()),
            env=self._environment,
            pass_fds=self._descriptors,
            preexec_fn=_end_with_parent,  # noqa: PLW1509 - this process has one thread
        )
        return self._nginx

    def _pass_on(self, number: int, _frame: object) -> None:
        self._stopping = self._stopping or number != signal.SIGHUP
        if self._nginx is not None:
            self._nginx.send_signal(number)


class _Ended:
    """Whether a child has ended, without a look at it every few milliseconds."""

    def __init__(self, pid: int) -> None:
        self._descriptor = os.pidfd_open(pid)
        self._poll = select.poll()
        self._poll.register(self._descriptor, select.POLLIN)

    def within(self, seconds: float) -> bool:
        return bool(self._poll.poll(seconds * 1000))

    def close(self) -> None:
        os.close(self._descriptor)


def main() -> int:
    try:
        settings = slipway_settings.load()
        held = [listen_on(each) for each in settings.edge_listens]
        follower = Follower(settings, _say) if settings.https_listen else None
        return Keeper(lambda: edge.prepare(settings), held, os.environ, follower).run()
    except SlipwayError as error:
        sys.stderr.write(f"{error.message} {error.remedy}\n")
    except OSError as error:
        sys.stderr.write(f"a port of the edge is not free: {error.strerror}; slipway doctor says more\n")
    return 1


def _say(fault: str) -> None:
    sys.stderr.write(f"{fault}\n")
    sys.stderr.flush()


def _end_with_parent() -> None:
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGQUIT, 0, 0, 0)


if __name__ == "__main__":
    sys.exit(main())
