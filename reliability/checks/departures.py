"""Clients that leave at any moment, while their run waits, runs, or is between two steps."""

from __future__ import annotations

import random
import socket
import time
from collections.abc import Iterator

from reliability.outcome import Given, Outcome
from reliability.servers import Server, asked, figure, installed, serving, until

AT_ONCE = 10
"""Clients at a time: two that run and eight that wait, which is all that the server takes."""
HOLDING = "wait"


def check(given: Given) -> Outcome:
    """Let clients leave at random moments; the step that runs may end, and none after it may begin."""
    chance = random.Random(given.seed)
    broken: list[str] = []
    environment = installed(given.folder / "site")
    with serving(given.folder, "--workers", "2", "--queue", str(AT_ONCE - 2), **environment) as server:
        for begun in range(0, given.count, AT_ONCE):
            numbers = range(begun, min(begun + AT_ONCE, given.count))
            broken += _round(server, [f"{number}-" for number in numbers], chance)
    return Outcome(tried=given.count, broken=broken)


def _round(server: Server, marks: list[str], chance: random.Random) -> Iterator[str]:
    gone = figure(server, "segflow_requests_total", _LEFT)
    leaving = sorted((chance.uniform(0.0, 0.15), _client(server, mark)) for mark in marks)
    began = time.monotonic()
    for moment, connection in leaving:
        time.sleep(max(0.0, began + moment - time.monotonic()))
        connection.close()
    until(lambda: figure(server, "segflow_requests_total", _LEFT) == gone + len(marks))
    (server.home / "go").touch()  # the steps that run may end now
    until(lambda: figure(server, "segflow_slots_busy") == 0)
    if figure(server, "segflow_queue_length"):
        yield "somebody who left is in the queue"
    for mark in marks:
        if (server.home / f"{mark}1").exists():
            yield f"a later step of {mark} began"
    (server.home / "go").unlink()


def _client(server: Server, mark: str) -> socket.socket:
    """Ask for a run of three steps, the first of which goes on until it is told to end."""
    body = asked(HOLDING, "mark", "mark", folder=server.home, mark=mark)
    connection = socket.create_connection(("127.0.0.1", server.client.base_url.port or 0))
    head = f"POST /workflows/run HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
    connection.sendall(head.encode() + body)
    return connection


_LEFT = '{method="POST",route="/workflows/run",status="499"}'
