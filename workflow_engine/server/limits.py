"""What every request must keep to before anything reads it: an id, a local origin, a body of bounded size and time.

Plain ASGI: nothing here holds a response back or runs a task of its own.
"""

from __future__ import annotations

import re
from ipaddress import ip_address
from urllib.parse import urlsplit
from uuid import uuid4

import anyio
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from workflow_engine.errors import InputError, Problem
from workflow_engine.server.answers import refusal
from workflow_engine.settings import Limits

REQUEST_ID = "x-request-id"
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
    must be of this machine too.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] == "http":
            headers = Headers(scope=scope)
            asked = "//" + headers.get("host", "")
            if not is_loopback(_host(asked)) or not is_loopback(_host(headers.get("origin", asked))):
                problem = Problem(
                    code="foreign_origin",
                    message="A server without a token answers only to requests made from and for this machine.",
                    hint="Call it as localhost, or start it with SEGFLOW_API_TOKEN.",
                    whose="caller",
                )
                return await refusal(InputError(problem), scope)(scope, receive, send)
        return await self._app(scope, receive, send)


def is_loopback(host: str) -> bool:
    """Whether ``host``, a name or an address, is this machine and nothing else."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


class BodyLimit:
    """Takes in the whole body, counted as it arrives, before the application sees any of it."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app = app
        self._most, self._seconds = limits.body_bytes, limits.body_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        try:
            taken = await self._take(Headers(scope=scope), receive)
        except InputError as error:
            return await refusal(error, scope)(scope, receive, send)
        if taken is None:
            return None
        return await self._app(scope, _replay(taken, receive), send)

    async def _take(self, headers: Headers, receive: Receive) -> bytes | None:
        """The body, or nothing when the client left before its end."""
        announced = headers.get("content-length", "")
        if announced.isascii() and announced.isdigit() and int(announced) > self._most:
            raise self._too_large()
        body = bytearray()
        with anyio.move_on_after(self._seconds) as waiting:
            more = True
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return None
                body += message.get("body", b"")
                more = message.get("more_body", False)
                if len(body) > self._most:
                    raise self._too_large()
        if waiting.cancelled_caught:
            late = f"The request's body did not arrive within {self._seconds:g} s."
            raise InputError(Problem(code="body_late", message=late, whose="caller"))
        return bytes(body)

    def _too_large(self) -> InputError:
        message = f"The request's body has more than {self._most:,} bytes, which is the most that is allowed."
        hint = "Send fewer or smaller images."
        return InputError(Problem(code="body_too_large", message=message, hint=hint, whose="caller"))


def _replay(body: bytes, receive: Receive) -> Receive:
    """A ``receive`` that gives the body once, then whatever the server has to say."""
    whole: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return whole.pop() if whole else await receive()

    return replayed
