"""A name server whose answers change: each question for a name gets the next answer, then the last again."""

from __future__ import annotations

import ipaddress
import socket
import struct
import threading
from collections import Counter

_A, _AAAA = 1, 28
Answers = list[list[str]]
"""The addresses that the first question gets, the second, and so on; an empty list is NXDOMAIN."""


class NameServer:
    """On UDP at `address`. `asked` counts the questions for IPv4 addresses of each name."""

    def __init__(self, address: tuple[str, int], names: dict[str, Answers]) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(address)
        self._names = names
        self.asked: Counter[str] = Counter()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            question, client = self._socket.recvfrom(4096)
            self._socket.sendto(self._answer(question), client)

    def _answer(self, question: bytes) -> bytes:
        name, end = _name(question)
        (kind,) = struct.unpack_from("!H", question, end)
        found = [each for each in self._addresses(name) if ("." in each and ":" not in each) == (kind == _A)]
        packed = [ipaddress.ip_address(each).packed for each in found if kind in (_A, _AAAA)]
        records = b"".join(struct.pack("!HHHIH", 0xC00C, kind, 1, 0, len(each)) + each for each in packed)
        exists = any(self._addresses(name))
        header = struct.pack(
            "!HHHHHH", *struct.unpack_from("!H", question), 0x8580 | (0 if exists else 3), 1, len(packed), 0, 0
        )
        if kind == _A:
            self.asked[name] += 1
        return header + question[12 : end + 4] + records

    def _addresses(self, name: str) -> list[str]:
        answers = self._names.get(name, [[]])
        return answers[min(self.asked[name], len(answers) - 1)]


def _name(question: bytes) -> tuple[str, int]:
    labels, at = [], 12
    while length := question[at]:
        labels.append(question[at + 1 : at + 1 + length].decode())
        at += 1 + length
    return ".".join(labels), at + 1
