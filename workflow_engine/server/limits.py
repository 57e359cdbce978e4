"""What every request must keep to before anything reads it: an id, a local origin, a body of bounded size and time.

Plain ASGI: nothing here holds a response back or runs a task of its own.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from ipaddress import ip_address
from uuid import uuid4

import anyio
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from workflow_engine.errors import InputError, Problem, WorkflowError
from workflow_engine.server import access
from workflow_engine.server.answers import refusal
from workflow_engine.server.work import Workers, overloaded, stopping
from workflow_engine.settings import Settings

REQUEST_ID = "x-request-id"
SMALL = 1 << 16
"""Bytes of a body that is read even while the server is full."""
_AUTHORITY = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._\-]+))(?::[0-9]{1,5})?")
_ACCEPTED_ID = re.compile(r"[\w\-]{1,64}", re.ASCII)


class RequestId:
    """Gives every request an id, the client's own if it sent a plain one, and repeats it in the answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        given = Headers(scope=scope).get(REQUEST_ID, "")
        request_id = given if _ACCEPTED_ID.fullmatch(given) else uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id

        async def labelled(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[REQUEST_ID] = request_id
            await send(message)

        return await self._app(scope, receive, labelled)


class LocalOnly:
    """Refuses requests that a foreign web page makes a browser send to a server without a token.

    The name in ``Host`` must be of this machine, so that no foreign name can be made to point here, and an ``Origin``
    must be of this machine too; ``names`` are those that a proxy on this machine serves it under.
    """

    def __init__(self, app: ASGIApp, names: Collection[str] = ()) -> None:
        self._app, self._names = app, names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] == "http":
            headers = Headers(scope=scope)
            asked = headers.get("host", "")
            origin = headers.get("origin", f"http://{asked}")
            if not self._ours(_host(asked)) or not self._ours(_host(origin.partition("://")[2])):
                problem = Problem(
                    code="foreign_origin",
                    message="A server without a token answers only to requests made from and for this machine.",
                    hint="Call it as localhost, allow the name with --allowed-host, or set SEGFLOW_API_TOKEN.",
                    whose="caller",
                )
                return await refusal(InputError(problem), scope)(scope, receive, send)
        return await self._app(scope, receive, send)

    def _ours(self, host: str) -> bool:
        return is_loopback(host) or host in self._names


def is_loopback(host: str) -> bool:
    """Whether ``host``, a name or an address, is this machine and nothing else."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _host(authority: str) -> str:
    """Return the host of ``host:port``, in small letters; nothing of anything that is read in different ways."""
    found = _AUTHORITY.fullmatch(authority)
    return (found[1] or found[2]).lower() if found else ""


class Intake:
    """Takes in the whole body before the application sees any of it: from those who may, while there is room.

    A token outside the body decides at once. While the server is full, bodies that are large or of unknown size are not
    read at all; the others are counted as they arrive, each by itself and all of them together.
    """

    def __init__(self, app: ASGIApp, settings: Settings, workers: Workers) -> None:
        self._app, self._workers = app, workers
        self._token, self._limits = settings.api_token, settings.limits
        self._held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        body = b""
        try:
            self._check_announced(scope)
            body = await self._take(receive)
            self._check_token(scope, body)
            return await self._app(scope, _replay(body, receive), send)
        except ClientDisconnect:
            return None
        except WorkflowError as error:
            return await refusal(error, scope)(scope, receive, send)
        finally:
            self._held -= len(body)

    def _check_announced(self, scope: Scope) -> None:
        """Refuse what can be refused from the request's head."""
        headers = Headers(scope=scope)
        announced = headers.get("content-length", "")
        size = int(announced) if announced.isascii() and announced.isdigit() else None
        if size is None and "transfer-encoding" not in headers:
            size = 0
        keys = access.shown(scope)
        if self._wants_token(scope) and (keys or size == 0) and not access.fits(self._token, keys):
            raise access.wanted()
        if size is not None and size > self._limits.body_bytes:
            raise self._too_large()
        if (size is None or size > SMALL) and self._workers.full:
            raise overloaded()

    async def _take(self, receive: Receive) -> bytes:
        """Read the body, which counts as held from now on."""
        body = bytearray()
        try:
            with anyio.move_on_after(self._limits.body_seconds) as patience, self._workers.cutting_off(patience.cancel):
                more = True
                while more:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise ClientDisconnect
                    piece = message.get("body", b"")
                    body += piece
                    self._held += len(piece)
                    more = message.get("more_body", False)
                    if len(body) > self._limits.body_bytes:
                        raise self._too_large()
                    if self._held > self._limits.bodies_bytes:
                        raise overloaded()
                return bytes(body)
            raise stopping() if self._workers.draining else self._too_late()
        except BaseException:
            self._held -= len(body)
            raise

    def _wants_token(self, scope: Scope) -> bool:
        return self._token is not None and scope["path"] not in access.OPEN

    def _check_token(self, scope: Scope, body: bytes) -> None:
        """Look into the body for the key of a request that has shown none before it."""
        wanted = self._wants_token(scope) and not access.shown(scope)
        if wanted and not access.fits(self._token, access.in_body(body)):
            raise access.wanted()

    def _too_late(self) -> InputError:
        message = f"The request's body did not arrive within {self._limits.body_seconds:g} s."
        return InputError(Problem(code="body_late", message=message, whose="caller"))

    def _too_large(self) -> InputError:
        most = self._limits.body_bytes
        message = f"The request's body has more than {most:,} bytes, which is the most that is allowed."
        hint = "Send fewer or smaller images."
        return InputError(Problem(code="body_too_large", message=message, hint=hint, whose="caller"))


def _replay(body: bytes, receive: Receive) -> Receive:
    """A ``receive`` that gives the body once, then whatever the server has to say."""
    whole: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return whole.pop() if whole else await receive()

    return replayed
