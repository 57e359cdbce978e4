"""What server and workers say to each other: frames of a JSON head and a body of bytes that nothing looks into.

A frame is two lengths, the head and the body. Nothing on the way is pickled, so neither side can make the other run
code.
"""

from __future__ import annotations

import struct
from asyncio import IncompleteReadError, StreamReader
from collections.abc import Mapping
from socket import socket
from typing import Any, TypeAlias

import orjson

Frame: TypeAlias = tuple[dict[str, Any], bytes | bytearray]

_LENGTHS = struct.Struct("!IQ")


def pack(head: Mapping[str, Any], body: bytes | bytearray = b"") -> tuple[bytes, bytes | bytearray]:
    """Return the two pieces to write, the second being ``body`` itself, uncopied."""
    told = orjson.dumps(head)
    return _LENGTHS.pack(len(told), len(body)) + told, body


async def receive(reader: StreamReader) -> Frame | None:
    """Return the next frame, or ``None`` when the other side is gone or talks nonsense."""
    try:
        told, length = _LENGTHS.unpack(await reader.readexactly(_LENGTHS.size))
        head = orjson.loads(await reader.readexactly(told))
        return head, await reader.readexactly(length) if length else b""
    except (IncompleteReadError, ConnectionError, orjson.JSONDecodeError):
        return None


def read(channel: socket) -> Frame | None:
    """Return the next frame of a blocking socket, or ``None`` when the other side is gone."""
    lengths = _exactly(channel, _LENGTHS.size)
    if lengths is None:
        return None
    told, length = _LENGTHS.unpack(lengths)
    head, body = _exactly(channel, told), _exactly(channel, length)
    return None if head is None or body is None else (orjson.loads(head), body)


def _exactly(channel: socket, length: int) -> bytearray | None:
    data = bytearray(length)
    missing = memoryview(data)
    while missing:
        try:
            count = channel.recv_into(missing)
        except ConnectionError:
            return None
        if not count:
            return None
        missing = missing[count:]
    return data
