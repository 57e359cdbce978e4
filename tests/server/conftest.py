"""A server in a process of its own, as a user starts it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def served(
    home: Path, *arguments: str, stop: signal.Signals = signal.SIGTERM, **environment: str
) -> Iterator[httpx.Client]:
    """Start a server on a free port, lend a client of it, and end it by a signal; its log must hold no traceback."""
    command = [sys.executable, "-m", "workflow_engine.cli", "serve", "--port", "0", *arguments]
    env = {**os.environ, "SEGFLOW_HOME": str(home), "PYTHONUNBUFFERED": "1", **environment}
    log = home / "server.log"
    with log.open("wb") as errors:
        process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=errors, text=True)
    assert process.stdout is not None
    with process:
        try:
            line = process.stdout.readline()
            address = re.search(r"http://\S+", line)
            assert address, f"no address in {line!r}: {log.read_text()}"
            with httpx.Client(base_url=address[0], timeout=60, trust_env=False) as client:
                ready(client)
                yield client
        finally:
            process.send_signal(stop)
            process.wait(timeout=30)
    assert process.returncode == 0, log.read_text()
    assert "Traceback" not in log.read_text()


def ready(client: httpx.Client) -> None:
    """Wait until the server is ready."""
    while client.get("/readiness").status_code != 200:
        time.sleep(0.02)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with served(tmp_path_factory.mktemp("server")) as client:
        yield client
