"""Clients that ask, send or read slowly, or never come to a point, are cut off; the others notice nothing."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from tests.server.conftest import Server, serving, until

EMPTY = {"specification": {"version": "1.0", "inputs": [], "steps": [], "outputs": []}, "inputs": {}}
HEAD = b"POST /workflows/run HTTP/1.1\r\nHost: localhost\r\n"


def connect(server: Server) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.client.base_url.port or 0), timeout=60)


def rest(connection: socket.socket) -> bytes:
    """Return all that comes before the server hangs up."""
    received = b""
    try:
        while piece := connection.recv(1 << 16):
            received += piece
    except ConnectionError:
        pass
    return received


def works(server: Server) -> bool:
    return server.client.post("/workflows/run", json=EMPTY).status_code == 200


def test_a_head_that_does_not_end(tmp_path: Path) -> None:
    with serving(tmp_path, SEGFLOW_HEAD_SECONDS="0.2") as server, connect(server) as silent, connect(server) as slow:
        slow.sendall(HEAD)
        assert rest(silent) == rest(slow) == b""
        assert works(server)
        with connect(server) as second_time:
            body = json.dumps(EMPTY).encode()
            second_time.sendall(HEAD + f"Content-Length: {len(body)}\r\n\r\n".encode() + body + HEAD)
            assert rest(second_time).startswith(b"HTTP/1.1 200")


def test_a_body_that_does_not_end(tmp_path: Path) -> None:
    with serving(tmp_path, SEGFLOW_BODY_SECONDS="0.2") as server, connect(server) as slow:
        slow.sendall(HEAD + b"Content-Length: 10\r\n\r\n{")
        assert slow.recv(1 << 16).startswith(b"HTTP/1.1 408")
        assert works(server)


def test_an_answer_that_is_not_read(tmp_path: Path) -> None:
    output = {"type": "JsonField", "name": "text", "selector": "$inputs.text"}
    declared = {"type": "WorkflowParameter", "name": "text"}
    document = {"version": "1.0", "inputs": [declared], "steps": [], "outputs": [output]}
    body = json.dumps({"specification": document, "inputs": {"text": "x" * 50_000_000}}).encode()
    with serving(tmp_path, SEGFLOW_SEND_SECONDS="0.2") as server, connect(server) as slow:
        slow.sendall(HEAD + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
        assert slow.recv(12) == b"HTTP/1.1 200"
        assert works(server)
        until(lambda: hung_up(slow))
        assert len(rest(slow)) < 50_000_000


@pytest.mark.parametrize(
    "endless",
    [
        HEAD + b"X-Long: " + b"x" * 300_000,
        HEAD + b"X-Many: x\r\n" * 30_000,
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n1;" + b"x" * 300_000,
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n" + b"X-After: x\r\n" * 60_000,
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n" * 1000,
    ],
    ids=["a header", "headers", "the size of a chunk", "trailers", "requests"],
)
def test_what_has_no_end(tmp_path: Path, endless: bytes) -> None:
    with serving(tmp_path) as server, connect(server) as long:
        long.sendall(endless)
        assert rest(long).startswith(b"HTTP/1.1 400")
        assert works(server)


def hung_up(connection: socket.socket) -> bool:
    """Whether the server has; what it had sent by then may still be read."""
    try:
        connection.send(b"x")
    except ConnectionError:
        return True
    return False


def test_more_connections_than_there_may_be_push_out_those_that_say_nothing(tmp_path: Path) -> None:
    with serving(tmp_path, SEGFLOW_CONNECTIONS="4") as server:
        silent = [connect(server) for _ in range(20)]
        assert works(server)
        assert rest(silent[0]) == b""
        for connection in silent:
            connection.close()
