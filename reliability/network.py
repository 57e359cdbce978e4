"""A network in the place of this process's own: names resolve as told, and connections are noted before they are made.

A connection to this machine is really made, so that a canary that listens here is really reached. One to anywhere else
is refused, so that nothing leaves the machine.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from ipaddress import ip_address
from typing import Any


class Network:
    """What names mean here, and where connections went; ``names`` may be changed at any time."""

    def __init__(self) -> None:
        self.names: dict[str, Callable[[], Sequence[str]]] = {}
        self.connected: list[tuple[str, int]] = []

    def resolve(self, host: str, port: int, *rest: Any, **more: Any) -> list[Any]:
        """Stand for ``socket.getaddrinfo``: names as told, numbers as this system reads them, nothing else."""
        if host in self.names:
            return [(0, socket.SOCK_STREAM, 6, "", (address, port)) for address in self.names[host]()]
        return _system(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)

    def note(self, address: tuple[Any, ...]) -> None:
        """Note a connection that is about to be made, and refuse it if it would leave this machine."""
        self.connected.append((address[0], address[1]))
        place = ip_address(str(address[0]).partition("%")[0])
        if not (place.is_loopback or place.is_unspecified):
            raise ConnectionRefusedError(111, "stays on this machine")


_system = socket.getaddrinfo


@contextmanager
def standing_in() -> Iterator[Network]:
    """Put a network in the place of this process's own."""
    network = Network()
    before = socket.socket, socket.getaddrinfo

    class Noted(socket.socket):
        def connect(self, address: Any) -> None:
            network.note(address)
            super().connect(address)

    socket.socket, socket.getaddrinfo = Noted, network.resolve  # type: ignore[misc, assignment]
    try:
        yield network
    finally:
        socket.socket, socket.getaddrinfo = before  # type: ignore[misc]


class Canary:
    """Listens on every address of this machine and counts who comes; answers with a redirect if one is set."""

    def __init__(self) -> None:
        self.visits = 0
        self.location: str | None = None
        self._listening = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)
        self.port: int = self._listening.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            visitor, _ = self._listening.accept()
            self.visits += 1
            with visitor:
                try:
                    visitor.recv(65536)
                    visitor.sendall(self._answer())
                except OSError:
                    continue

    def _answer(self) -> bytes:
        status = "200 OK" if self.location is None else f"302 Found\r\nLocation: {self.location}"
        return f"HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode("utf-8", "replace")
