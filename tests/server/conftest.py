"""A server in a process of its own, as a user starts it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Server:
    """A server that runs: a client of it, its process, and what it logs."""

    client: httpx.Client
    process: subprocess.Popen[str]
    home: Path

    def log(self) -> str:
        return (self.home / "server.log").read_text()


@contextmanager
def serving(home: Path, *arguments: str, stop: signal.Signals = signal.SIGTERM, **environment: str) -> Iterator[Server]:
    """Start a server on a free port and end it by a signal, if it has not ended by then."""
    command = [
        sys.executable,
        "-m",
        "workflow_engine.cli",
        "serve",
        "--port",
        "0",
        "--workers",
        "1",
        "--log-json",
        *arguments,
    ]
    told = {"SEGFLOW_HOME": str(home), "PYTHONUNBUFFERED": "1", "PYTHONFAULTHANDLER": "1"}
    env = {**os.environ, **told, **environment}
    with (home / "server.log").open("wb") as errors:
        process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=errors, text=True)
    assert process.stdout is not None
    with process:
        try:
            line = process.stdout.readline()
            address = re.search(r"http://\S+", line)
            assert address, f"no address in {line!r}: {(home / 'server.log').read_text()}"
            with httpx.Client(base_url=address[0], timeout=60, trust_env=False) as client:
                ready(client)
                yield Server(client, process, home)
        finally:
            process.send_signal(stop)
            _end(process)


def _end(process: subprocess.Popen[str]) -> None:
    """Wait for the end of a server; one that hangs writes into its log where, as do its workers, and fails the test."""
    try:
        process.wait(timeout=40)
    except subprocess.TimeoutExpired:
        for one in (*below(process.pid), process.pid):
            os.kill(one, signal.SIGABRT)
        raise


def below(process: int) -> set[int]:
    """Return the processes that one has started, with theirs."""
    found = {int(one) for path in Path(f"/proc/{process}/task").glob("*/children") for one in path.read_text().split()}
    return found.union(*(below(one) for one in found))


@contextmanager
def served(
    home: Path, *arguments: str, stop: signal.Signals = signal.SIGTERM, **environment: str
) -> Iterator[httpx.Client]:
    """Start a server and lend a client of it; it must end well, and its log must hold no traceback."""
    with serving(home, *arguments, stop=stop, **environment) as server:
        yield server.client
    assert server.process.returncode == 0, server.log()
    assert "Traceback" not in server.log()


def until(happened: Callable[[], bool]) -> None:
    """Wait for something to happen; a test that waits in vain fails instead of hanging."""
    for _ in range(6000):
        if happened():
            return
        time.sleep(0.01)
    pytest.fail("it never happened")


def ready(client: httpx.Client) -> None:
    """Wait until the server is ready."""
    until(lambda: client.get("/readiness").status_code == 200)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with served(tmp_path_factory.mktemp("server")) as client:
        yield client
