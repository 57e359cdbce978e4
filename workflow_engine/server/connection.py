"""A client's connection, with deadlines for clients that are slow, and bounds for those that never come to a point."""

from __future__ import annotations

import asyncio
import socket
from collections import OrderedDict
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from workflow_engine.settings import Limits

LOOSE_BYTES = 1 << 16
"""Most that may come between one piece of a body, or end of a head, and the next: heads, sizes of chunks, trailers."""
AHEAD = 8
"""Most requests that may wait on one connection while another is answered."""


def connections(limits: Limits) -> type[HttpToolsProtocol]:
    """Return the protocol of a server's connections, which share a limit on their number.

    One more than the limit takes the place of the one that has waited longest to finish its request's head; so those
    that open connections and say little push out each other.
    """
    asking: OrderedDict[Connection, None] = OrderedDict()

    class Limited(Connection):
        """A connection of this server."""

        _limits, _asking = limits, asking

    return Limited


class Connection(HttpToolsProtocol):
    """HTTP/1.1 by uvicorn, which knows a deadline only for what comes between two requests, and no bound on a head."""

    _limits: Limits
    _asking: OrderedDict[Connection, None]
    _loose = 0
    _head_late: asyncio.TimerHandle | None = None
    _answer_late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        # Head and body of an answer are written apart; the second should not wait until the first is confirmed.
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if len(self.connections) > self._limits.connections:
            oldest = next(iter(self._asking), self)
            oldest.transport.abort()
            self._asking.pop(oldest, None)
        self._expect_head()

    def data_received(self, data: bytes) -> None:
        """Take in a part of a request."""
        self._loose += len(data)
        super().data_received(data)
        if self._loose > LOOSE_BYTES and not self.transport.is_closing():
            self.send_400_response("The head of the request is too large.")
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop_expecting()
        elif self._head_late is None:
            self._expect_head()

    def on_message_begin(self) -> None:
        """A request begins; the parser answers the error with status 400 and hangs up."""
        if len(self.pipeline) >= AHEAD:
            raise ValueError("too many requests ahead of their answers")
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """The head of a request is whole."""
        self._loose = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A piece of a body is here."""
        self._loose = 0
        super().on_body(body)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the deadlines."""
        self._stop_expecting()
        self.resume_writing()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """The client takes its answer more slowly than it is written: from now on it has so much time."""
        super().pause_writing()
        self._answer_late = self.loop.call_later(self._limits.send_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """The client has caught up."""
        if self._answer_late is not None:
            self._answer_late.cancel()
            self._answer_late = None
        super().resume_writing()

    def _expect_head(self) -> None:
        self._asking[self] = None
        self._head_late = self.loop.call_later(self._limits.head_seconds, self._cut)

    def _stop_expecting(self) -> None:
        self._asking.pop(self, None)
        if self._head_late is not None:
            self._head_late.cancel()
            self._head_late = None

    def _cut(self) -> None:
        cast(Any, self.transport).abort()
