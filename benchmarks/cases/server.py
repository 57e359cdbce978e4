"""The same five blocks over HTTP: requests per second, each server asked in turn."""

from __future__ import annotations

import base64
import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks import materials
from benchmarks.report import Table
from benchmarks.setting import OURS, Setting
from benchmarks.timing import Series, alternate, ratio

REQUESTS = 40
CONCURRENCY = (1, 4)
PATH = "/workflows/run"
START_SECONDS = 180
HEADER = (
    "at once",
    "segflow, requests/s",
    "its server, requests/s",
    "times as many",
    "segflow, 95 %, ms",
    "its, 95 %, ms",
)


def measure(setting: Setting) -> Iterator[Table]:
    """Compare the servers on two workflows."""
    with _server(setting, "segflow", _ours) as ours, _server(setting, "server", _theirs) as theirs:
        for name in ("numbers", "count_and_draw"):
            body = request(setting, name)
            first, second = (_post(HTTPConnection("127.0.0.1", port), body) for port in (ours, theirs))
            if _numbers(first) != _numbers(second):
                raise AssertionError(f"The servers answer differently: {_numbers(first)} and {_numbers(second)}.")
            rows = tuple(_row(setting, ours, theirs, body, at_once) for at_once in CONCURRENCY)
            yield Table(f"Over HTTP: {name.replace('_', ' ')}", HEADER, rows, (_conditions(body),))


def request(setting: Setting, name: str) -> bytes:
    """Return the body of a request to run a workflow on a picture as base64 and on objects as JSON."""
    picture = np.load(materials.picture(setting.work, 480, 640))
    encoded = base64.b64encode(cv2.imencode(".jpg", picture)[1].tobytes()).decode()
    values = {"image": {"type": "base64", "value": encoded}, "objects": [materials.objects(640, 480)]}
    document = materials.document(name)
    inputs = {declared["name"]: values[declared["name"]] for declared in document["inputs"]}
    return json.dumps({"api_key": "unused", "specification": document, "inputs": inputs}).encode()


def _row(setting: Setting, ours: int, theirs: int, body: bytes, at_once: int) -> tuple[str, ...]:
    latencies: dict[str, list[float]] = {"ours": [], "theirs": []}

    def asked(who: str, port: int) -> float:
        seconds, each = _burst(port, body, at_once)
        latencies[who] += each
        return seconds

    runs = {"ours": lambda: asked("ours", ours), "theirs": lambda: asked("theirs", theirs)}
    taken = {who: Series(tuple(seconds)) for who, seconds in alternate(runs, rounds=setting.rounds).items()}
    rates = (f"{REQUESTS / taken[who].median:.0f}" for who in ("ours", "theirs"))
    p95 = (f"{Series(tuple(latencies[who])).p95 * 1e3:.1f}" for who in ("ours", "theirs"))
    return (str(at_once), *rates, f"{ratio(taken['theirs'], taken['ours']):.2f}", *p95)


def _burst(port: int, body: bytes, at_once: int) -> tuple[float, list[float]]:
    """Send a number of requests over kept connections; return the seconds for all of them, and of each."""

    def client(count: int) -> list[float]:
        connection = HTTPConnection("127.0.0.1", port)
        seconds = []
        for _ in range(count):
            started = time.perf_counter()
            _post(connection, body)
            seconds.append(time.perf_counter() - started)
        connection.close()
        return seconds

    with ThreadPoolExecutor(at_once) as pool:
        started = time.perf_counter()
        each = [seconds for some in pool.map(client, [REQUESTS // at_once] * at_once) for seconds in some]
        return time.perf_counter() - started, each


def _post(connection: HTTPConnection, body: bytes) -> dict[str, Any]:
    connection.request("POST", PATH, body, {"Content-Type": "application/json"})
    response = connection.getresponse()
    content = response.read()
    if response.status != 200:
        raise RuntimeError(f"A server answered {response.status}: {content[:500].decode(errors='replace')}")
    answer: dict[str, Any] = json.loads(content)
    return answer


def _numbers(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is no picture in an answer."""
    (outputs,) = answer["outputs"]
    return {name: value for name, value in outputs.items() if not isinstance(value, dict)}


def _conditions(body: bytes) -> str:
    return (
        f"{REQUESTS} requests per turn over kept connections, the servers as they come; each request brings "
        f"the workflow and {len(body) / 1000:.0f} kB in all. The client shares the machine."
    )


@contextmanager
def _server(setting: Setting, name: str, command: Any) -> Iterator[int]:
    """Run a server in a folder of its own and yield its port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    folder = setting.work / f"server-{name}"
    folder.mkdir(exist_ok=True)
    with ExitStack() as stack:
        log = stack.enter_context((folder / "log").open("w"))
        process = subprocess.Popen(
            command(setting, port), cwd=folder, stdout=log, stderr=log, env={**os.environ, **setting.environment()}
        )
        stack.callback(_ended, process)
        _wait(process, port, folder / "log")
        yield port


def _ours(setting: Setting, port: int) -> list[str]:
    return [str(OURS), "-m", "workflow_engine.cli", "serve", "--port", str(port)]


def _theirs(setting: Setting, port: int) -> list[str]:
    return [str(setting.inference), str(Path(__file__).parents[1] / "sides" / "server_roboflow.py"), str(port)]


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Wait until a server listens.

    Raises:
        RuntimeError: If it ends first, or takes too long.
    """
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise RuntimeError(f"A server did not start; its log is {log}.")


def _ended(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
