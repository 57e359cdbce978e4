"""Visits to the URLs that requests and workflows name: guarded, for who asks is not who owns the network.

A URL is read once, its host resolved once, every address checked, and the connection made to a checked address, so that
nothing can change between the check and the visit. A redirect starts again from the beginning.
"""

from __future__ import annotations

import io
import re
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
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
PLAINLY = {"Accept-Encoding": "identity"}
HEADER = re.compile(r"[!#$%&'*+.^`|~\w-]+: [\t\x20-\x7e\x80-\xff]*", re.ASCII)
FAILURES: tuple[tuple[type[Exception] | tuple[type[Exception], ...], str], ...] = (
    ((socket.gaierror, UnicodeError), "names a host that has no address"),
    (ConnectionRefusedError, "names a host that takes no connection at this port"),
    (ssl.SSLError, "names a host with which no secure connection comes about"),
    (ConnectionError, "names a host that hung up before its answer was whole"),
    (HTTPException, "gave an answer that is not HTTP, or not whole"),
)
"""What is said of an exception: what went wrong as far as the caller can see it, the first that fits."""
CONNECTION = frozenset(("host", "connection", "content-length", "transfer-encoding", "te", "trailer", "upgrade"))
"""Headers about the connection, which is not the caller's."""


def fetch(url: str, *, limits: Limits, allowed_hosts: Sequence[str] = (), at: str = "") -> bytes:
    """Return the image that a URL names, at most ``limits.image_bytes`` within ``limits.fetch_seconds``.

    Args:
        url: An http or https URL.
        limits: Bounds on size, time and redirects.
        allowed_hosts: Hosts, addresses and networks that may be visited although they are not public.
        at: JSON pointer for errors.

    Raises:
        InputError: The URL, or one that it leads to, may not be visited (``url_refused``), gives no answer in time
            (``url_unreachable``), or gives too much (``image_too_large``).
    """
    visit = _Visit(
        "The image's URL", seconds=limits.fetch_seconds, allowed=allowed_hosts, at=at, hint="Send the image itself."
    )
    with visit.failing_in_words():
        for _ in range(limits.fetch_hops + 1):
            with visit.answer(url, "GET", PLAINLY) as response:
                location = response.getheader("Location")
                if not (response.status in REDIRECTS and location):
                    return _image(response, limits.image_bytes, visit)
                try:
                    url = urljoin(url, location)
                except ValueError as error:
                    raise visit.refused(f"leads to an address that is none: {error}") from error
    raise visit.refused(f"redirects more than {limits.fetch_hops} times")


def request(
    url: str,
    method: str,
    *,
    seconds: float,
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
    allowed_hosts: Sequence[str] = (),
) -> int:
    """Make one request and return the status of its answer; no redirect is followed, and nothing more is read.

    Args:
        url: An http or https URL.
        method: Such as ``POST``.
        seconds: Time that it may take in all.
        headers: Beside those that describe the connection, which are the engine's own.
        body: What to send.
        allowed_hosts: Hosts, addresses and networks that may be visited although they are not public.

    Raises:
        InputError: The URL may not be visited or a header is none (``url_refused``), or there is no answer in time
            (``url_unreachable``).
    """
    visit = _Visit("The URL", seconds=seconds, allowed=allowed_hosts)
    with visit.failing_in_words(), visit.answer(url, method, headers or {}, body) as response:
        return response.status


class _Visit:
    """The guard over one or more requests that together have one deadline."""

    def __init__(self, called: str, *, seconds: float, allowed: Sequence[str], at: str = "", hint: str = "") -> None:
        """Start the clock; ``called`` is how errors speak of the URL, ``hint`` what to do instead of visiting it."""
        self._called, self._seconds, self._allowed, self._at, self._hint = called, seconds, allowed, at, hint
        self._deadline = time.monotonic() + seconds

    def refused(self, message: str, *, code: str = "url_refused", hint: str | None = None) -> InputError:
        """Return an error whose sentence begins with the URL and goes on with ``message``."""
        hint = self._hint if hint is None else hint
        return refusal(f"{self._called} {message}.", at=self._at, code=code, hint=hint)

    @contextmanager
    def failing_in_words(self) -> Iterator[None]:
        """Turn what sockets raise into refusals."""
        try:
            yield
        except TimeoutError as error:
            message = f"gave no complete answer within {self._seconds:g} s"
            raise self.refused(message, code="url_unreachable") from error
        except (OSError, HTTPException, UnicodeError) as error:
            message = next((words for kind, words in FAILURES if isinstance(error, kind)), "could not be reached")
            raise self.refused(message, code="url_unreachable") from error

    @contextmanager
    def answer(self, url: str, method: str, headers: Mapping[str, str], body: bytes = b"") -> Iterator[HTTPResponse]:
        """Make one request to a checked address; yield its answer, of which the body is still to be read."""
        try:
            target = parse_url(url)
            lines = [f"{method} {target.path} HTTP/1.1", *_head(target, method, headers, len(body)), "", ""]
        except ValueError as error:
            raise self.refused(f"cannot be visited: {error}") from error
        addresses = _resolve(target, self._deadline)
        if not all(may_visit(target.host, parse_address(address), self._allowed) for address in addresses):
            hint = f"The operator can allow it in SEGFLOW_ALLOWED_HOSTS. {self._hint}".rstrip()
            raise self.refused(f"names the host {target.host!r}, which is not on the public internet", hint=hint)
        plain = _connect(addresses, target.port, self._deadline)
        with closing(plain), closing(_secured(plain, target)) as connected:
            stream = _Stream(connected, self._deadline)
            stream.sendall("\r\n".join(lines).encode("latin-1") + body)
            response = HTTPResponse(stream, method=method)  # type: ignore[arg-type]
            response.begin()
            yield response


def _head(target: Target, method: str, headers: Mapping[str, str], length: int) -> Iterator[str]:
    """Yield the headers of a request, a line each.

    Raises:
        ValueError: A name or a value would break out of its line.
    """
    own = {"Host": target.authority, "Connection": "close"}
    if length or method != "GET":
        own["Content-Length"] = str(length)
    if "user-agent" not in map(str.lower, headers):
        own["User-Agent"] = "segflow"
    kept = {name: value for name, value in headers.items() if name.lower() not in CONNECTION}
    for name, value in {**own, **kept}.items():
        if not HEADER.fullmatch(f"{name}: {value}"):
            raise ValueError(f"the header {name!r} is not one, or its value has characters that none may have")
        yield f"{name}: {value}"


def _image(response: HTTPResponse, most: int, visit: _Visit) -> bytes:
    """Read the body of an answer that should be an image."""
    if response.status != 200:
        raise visit.refused(f"answered with status {response.status}", code="url_unreachable")
    if (response.getheader("Content-Encoding") or "identity").lower() != "identity":
        raise visit.refused("answered with a compressed body, which was not asked for")
    body = bytearray()
    while len(body) <= most and (response.length or 0) <= most:
        chunk = response.read(CHUNK)
        if not chunk:
            if response.length:
                raise IncompleteRead(b"", response.length)
            return bytes(body)
        body += chunk
    message = f"names an image of more than {most} bytes, which is the most that is allowed"
    raise visit.refused(message, code="image_too_large", hint="Send a smaller one.")


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
