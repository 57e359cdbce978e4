"""Fetching the images that requests name by URL: guarded, because the one who asks is not the one who owns the network.

A URL is read once, its host resolved once, every address checked, and the connection made to a checked address, so that
nothing can change between the check and the visit. A redirect starts again from the beginning.
"""

from __future__ import annotations

import io
import socket
import ssl
import threading
import time
from collections.abc import Sequence
from contextlib import closing
from functools import cache
from http.client import HTTPException, HTTPResponse, IncompleteRead
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from workflow_engine.errors import InputError
from workflow_engine.settings import Limits
from workflow_engine.vision.addresses import Target, may_visit, parse_address, parse_url
from workflow_engine.vision.refusals import refusal

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

REDIRECTS = (301, 302, 303, 307, 308)
CHUNK = 1 << 16


def fetch(url: str, *, limits: Limits, allowed_hosts: Sequence[str] = (), at: str = "") -> bytes:
    """Return what a URL names, at most ``limits.image_bytes`` within ``limits.fetch_seconds``.

    Args:
        url: An http or https URL.
        limits: Bounds on size, time and redirects.
        allowed_hosts: Hosts, addresses and networks that may be visited although they are not public.
        at: JSON pointer for errors.

    Raises:
        InputError: The URL, or one that it leads to, may not be visited (``url_refused``), gives no answer in time
            (``url_unreachable``), or gives too much (``image_too_large``).
    """
    deadline = time.monotonic() + limits.fetch_seconds
    try:
        for _ in range(limits.fetch_hops + 1):
            found = _visit(url, deadline, limits.image_bytes, allowed_hosts, at)
            if isinstance(found, bytes):
                return found
            url = found
    except TimeoutError as error:
        message = f"The image's URL gave no complete answer within {limits.fetch_seconds:g} s."
        raise refusal(message, at=at, code="url_unreachable") from error
    except (OSError, HTTPException, UnicodeError) as error:
        message = f"The image's URL could not be fetched ({type(error).__name__})."
        raise refusal(message, at=at, code="url_unreachable") from error
    raise _refused(f"The image's URL redirects more than {limits.fetch_hops} times.", at)


def _visit(url: str, deadline: float, most: int, allowed: Sequence[str], at: str) -> bytes | str:
    """Make one request; return the body, or the URL that it redirects to."""
    try:
        target = parse_url(url)
    except ValueError as error:
        raise _refused(f"The image's URL cannot be fetched: {error}.", at) from error
    addresses = _resolve(target, deadline)
    if not all(may_visit(target.host, parse_address(address), allowed) for address in addresses):
        hint = "The operator can allow it in SEGFLOW_ALLOWED_HOSTS; or send the image itself."
        message = f"The host {target.host!r} of the image's URL is not on the public internet."
        raise refusal(message, at=at, code="url_refused", hint=hint)
    with closing(_connect(addresses, target.port, deadline)) as plain, closing(_secured(plain, target)) as connected:
        return _exchange(_Stream(connected, deadline), url, target, most, at)


def _exchange(stream: _Stream, url: str, target: Target, most: int, at: str) -> bytes | str:
    headers = ["Accept-Encoding: identity", "User-Agent: segflow", "Connection: close"]
    lines = [f"GET {target.path} HTTP/1.1", f"Host: {target.authority}", *headers, "", ""]
    stream.sendall("\r\n".join(lines).encode("ascii"))
    response = HTTPResponse(stream, method="GET")  # type: ignore[arg-type]
    response.begin()
    location = response.getheader("Location")
    if response.status in REDIRECTS and location:
        return urljoin(url, location)
    if response.status != 200:
        raise refusal(f"The image's URL answered with status {response.status}.", at=at, code="url_unreachable")
    if (response.getheader("Content-Encoding") or "identity").lower() != "identity":
        raise _refused("The image's URL answered with a compressed body, which was not asked for.", at)
    return _body(response, most, at)


def _body(response: HTTPResponse, most: int, at: str) -> bytes:
    body = bytearray()
    while len(body) <= most and (response.length or 0) <= most:
        chunk = response.read(CHUNK)
        if not chunk:
            if response.length:
                raise IncompleteRead(b"", response.length)
            return bytes(body)
        body += chunk
    message = f"The image at the URL is more than {most} bytes, which is the most that is allowed."
    raise refusal(message, at=at, code="image_too_large")


def _refused(message: str, at: str) -> InputError:
    return refusal(message, at=at, code="url_refused", hint="Send the image itself.")


def _left(deadline: float) -> float:
    """Return the seconds until the deadline; ``TimeoutError`` when it has passed."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _resolve(target: Target, deadline: float) -> list[str]:
    """Return the addresses of the host, each once, as text.

    The system's resolver cannot be told when to stop, so it is asked on a thread that is left behind when it is late.
    """
    answers: SimpleQueue[list[str] | OSError | UnicodeError] = SimpleQueue()

    def ask() -> None:
        try:
            found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
            answers.put(list(dict.fromkeys(str(address[0]) for *_, address in found)))
        except (OSError, UnicodeError) as error:
            answers.put(error)

    threading.Thread(target=ask, daemon=True, name="resolve").start()
    try:
        answer = answers.get(timeout=_left(deadline))
    except Empty:
        raise TimeoutError from None
    if not isinstance(answer, list):
        raise answer
    return answer


def _connect(addresses: Sequence[str], port: int, deadline: float) -> socket.socket:
    """Connect to the first of the addresses that answers; each gets its share of the time that is left."""
    failure: OSError = TimeoutError()
    for position, address in enumerate(addresses):
        connected = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
        try:
            connected.settimeout(_left(deadline) / (len(addresses) - position))
            connected.connect((address, port))
        except OSError as error:
            connected.close()
            failure = error
        else:
            connected.settimeout(_left(deadline))
            return connected
    raise failure


def _secured(connected: socket.socket, target: Target) -> socket.socket:
    return _tls().wrap_socket(connected, server_hostname=target.host) if target.secure else connected


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


class _Stream(io.RawIOBase):
    """The part of a socket that ``http.client`` reads from, on which every wait ends at one deadline.

    A socket's own time limit starts anew with every byte that arrives.
    """

    def __init__(self, connected: socket.socket, deadline: float) -> None:
        self._socket, self._deadline = connected, deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        self._socket.settimeout(_left(self._deadline))
        return self._socket.recv_into(buffer)

    def sendall(self, data: bytes) -> None:
        self._socket.settimeout(_left(self._deadline))
        self._socket.sendall(data)

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(self)
