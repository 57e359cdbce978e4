"""Four times as many requests as the server can do, sent at their times whether or not earlier ones are answered."""

from __future__ import annotations

import json
import os
import socket
import statistics
import threading
import time
from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from reliability.apart import ROOT
from reliability.outcome import Figure, Given, Outcome, share
from reliability.servers import Server, serving, workers_of

QUEUE = 8
TIMES = 4
WARM, MEASURED, TURNS = 10, 50, 3
"""Requests before anything is measured, and those from which the capacity is taken: the best of so many turns."""
PROBE_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Asked:
    """What became of one request; times in seconds since the clock's own beginning."""

    due: float
    done: float
    status: int
    refusal: str

    @property
    def seconds(self) -> float:
        """From when it should have been sent to its answer's last byte, so that a late generator hides nothing."""
        return self.done - self.due


def check(given: Given) -> Outcome:
    """Measure the capacity, then send four times as much for ``given.count`` seconds."""
    request, probe = _request(), b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    with _apart() as together, serving(given.folder, *_SERVER, SEGFLOW_DEVICE="cpu") as server:
        together(server)
        port = server.client.base_url.port or 0
        _closed(port, request, WARM)
        service = min(_closed(port, request, MEASURED) for _ in range(TURNS))
        began, memory, stop = time.monotonic(), _Memory(server), threading.Event()
        with ThreadPoolExecutor(1) as prober:
            probes = prober.submit(_probes, port, probe, stop)
            asked = _open(port, request, every=service / TIMES, seconds=given.count, each=memory.look)
            stop.set()
        return _outcome(given.count, began, service, asked, probes.result(), memory)


_SERVER = ("--workers", "1", "--threads", "1", "--queue", str(QUEUE), "--preload", "demo/fasteners")


def _outcome(
    seconds: float, began: float, service: float, asked: list[Asked], probes: list[Asked], memory: _Memory
) -> Outcome:
    good = [one for one in asked if one.status == 200]
    refused = [one for one in asked if one.status == 503]
    odd = Counter(f"{one.status} {one.refusal}" for one in asked if one not in good and one not in refused)
    odd += Counter(f"503 {one.refusal}" for one in refused if one.refusal)
    odd += Counter(f"a probe got {one.status} {one.refusal}" for one in probes if one.status != 200)
    broken = [f"{count} times {what}" for what, count in odd.items()]
    broken += [] if good else ["nothing was done"]
    rate = sum(one.done <= began + seconds for one in good) / seconds
    figures = {
        "one run": Figure(value=service * 1000, unit="ms"),
        "goodput": Figure(value=100 * rate * service, unit="% of capacity", least=95),
        "liveness, 99 %": Figure(value=share([one.seconds for one in probes], 0.99) * 1000, unit="ms", most=100),
        "memory grew": Figure(value=memory.growth, unit="%", most=5),
    }
    if good:
        most = 1.2 * (1 + QUEUE) * service * 1000
        figures["accepted, 99 %"] = Figure(
            value=share([one.seconds for one in good], 0.99) * 1000, unit="ms", most=most
        )
    if refused:
        figures["refused, 99 %"] = Figure(
            value=share([one.seconds for one in refused], 0.99) * 1000, unit="ms", most=50
        )
    note = (
        f"{len(asked):,} requests of {len(_request()) / 1000:,.0f} kB in {seconds:.0f} s, {len(good):,} done and "
        f"{len(refused):,} refused; the demo model, one slot, queue {QUEUE}. {_WHO_RUNS_WHERE}"
    )
    return Outcome(tried=int(seconds), broken=broken, figures=figures, notes=[note])


_WHO_RUNS_WHERE = (
    "The worker has one processor; the server's event loop shares another with the generator of the load, "
    "which yields to it."
)


@contextmanager
def _apart() -> Iterator[Callable[[Server], None]]:
    """Keep the worker on one processor, and give a function that moves the server's own process to this one's.

    Who starts on one processor also makes no more threads than that. There this process, which makes the load, yields
    to the server: callers of a real one do not take its time.
    """
    mine = os.sched_getaffinity(0)
    theirs, ours = min(mine), max(mine)
    os.sched_setaffinity(0, {theirs})

    def together(server: Server) -> None:
        os.sched_setaffinity(0, {ours})
        for task in Path(f"/proc/{server.process.pid}/task").iterdir():
            os.sched_setaffinity(int(task.name), {ours})
        os.nice(10)

    try:
        yield together
    finally:
        os.sched_setaffinity(0, mine)


def _request() -> bytes:
    image = {"type": "base64", "value": b64encode((ROOT / "examples/count_fasteners/tray.jpg").read_bytes()).decode()}
    model = {"type": "core/instance_segmentation@v1", "name": "parts", "images": "$inputs.image"}
    count = {"type": "core/count_by_class@v1", "name": "count", "predictions": "$steps.parts.predictions"}
    document = {
        "version": "1.0",
        "inputs": [{"type": "WorkflowImage", "name": "image"}],
        "steps": [model | {"model_id": "demo/fasteners"}, count],
        "outputs": [{"type": "JsonField", "name": "counts", "selector": "$steps.count.counts"}],
    }
    body = json.dumps({"specification": document, "inputs": {"image": image}}).encode()
    head = (
        f"POST /workflows/run HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _ask(port: int, request: bytes, due: float) -> Asked:
    """Make one request on a connection of its own; an answer that comes before all was sent is an answer."""
    answer, refusal = b"", ""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
            try:
                connection.sendall(request)
            except OSError as error:
                refusal = f"{type(error).__name__} while sending"
            while piece := connection.recv(1 << 16):
                answer += piece
    except OSError as error:
        refusal = refusal or type(error).__name__
    head, _, body = answer.partition(b"\r\n\r\n")
    if not body:
        return Asked(due, time.monotonic(), 0, refusal or "no answer")
    status = int(head.split()[1])
    told = status == 503 and (b'"overloaded"' not in body or b"retry-after" not in head.lower())
    return Asked(due, time.monotonic(), status, body.decode(errors="replace")[:300] if told else "")


def _closed(port: int, request: bytes, count: int) -> float:
    """Keep the one slot busy for ``count`` requests; return the mean seconds of each."""
    began = time.monotonic()
    with ThreadPoolExecutor(2) as clients:
        statuses = [one.status for one in clients.map(lambda _: _ask(port, request, began), range(count))]
    if set(statuses) != {200}:
        raise RuntimeError(f"an idle server answered {Counter(statuses)}")
    return (time.monotonic() - began) / count


def _open(port: int, request: bytes, *, every: float, seconds: float, each: Callable[[], None]) -> list[Asked]:
    began = time.monotonic()
    with ThreadPoolExecutor(64) as clients:
        pending = []
        for due in _ticks(began, every, seconds):
            pending.append(clients.submit(_ask, port, request, due))
            each()
        return [future.result() for future in pending]


def _ticks(began: float, every: float, seconds: float) -> Iterator[float]:
    for number in range(int(seconds / every)):
        due = began + number * every
        time.sleep(max(0.0, due - time.monotonic()))
        yield due


def _probes(port: int, request: bytes, stop: threading.Event) -> list[Asked]:
    asked = []
    while not stop.is_set():
        asked.append(_ask(port, request, time.monotonic()))
        stop.wait(PROBE_SECONDS)
    return asked


class _Memory:
    """Resident memory of a server and its workers, looked at twice a second."""

    def __init__(self, server: Server) -> None:
        self._pids = [server.process.pid, *workers_of(server)]
        self._seen: list[int] = []
        self._next = 0.0

    def look(self) -> None:
        """Look, unless it was a moment ago."""
        if time.monotonic() >= self._next:
            self._seen.append(sum(_resident(self._pids)))
            self._next = time.monotonic() + 0.5

    @property
    def growth(self) -> float:
        """By how many percent the last fifth of the time took more than the second fifth did."""
        fifth = max(1, len(self._seen) // 5)
        before, after = self._seen[fifth : 2 * fifth] or self._seen, self._seen[-fifth:]
        return 100 * (statistics.median(after) / statistics.median(before) - 1)


def _resident(pids: Iterable[int]) -> Iterator[int]:
    for pid in pids:
        yield int(Path(f"/proc/{pid}/statm").read_text().split()[1])
