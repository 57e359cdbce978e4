"""Servers to try things on, and clients that say exactly what became of each request."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from tests.server import trouble
from tests.server.conftest import Server, serving, until

__all__ = ["Answer", "Server", "asked", "figure", "installed", "post", "serving", "trouble", "until", "workers_of"]

_RUN = "/workflows/run"


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a request: its status and body, or 0 and the reason when there was none."""

    status: int
    body: Any


def installed(folder: Path) -> dict[str, str]:
    """Return the environment of a server that has the block for trouble."""
    folder.mkdir()
    return trouble.install(folder)


def asked(*ways: str, folder: Path, mark: str) -> bytes:
    """Return the body of a request for a run whose steps do as ``ways`` say."""
    return json.dumps(trouble.asked(*ways, folder=folder, mark=mark)).encode()


def post(server: Server, body: bytes, *, path: str = _RUN, headers: Mapping[str, str] | None = None) -> Answer:
    """Make one request on a connection of its own."""
    connection = HTTPConnection("127.0.0.1", server.client.base_url.port, timeout=60)
    try:
        connection.request("POST", path, body, {"Content-Type": "application/json", **(headers or {})})
        answer = connection.getresponse()
        return Answer(answer.status, json.loads(answer.read() or b"null"))
    except (OSError, HTTPException) as error:
        return Answer(0, f"{type(error).__name__}: {error}")
    finally:
        connection.close()


def figure(server: Server, name: str, labels: str = "") -> float:
    """Return a figure of the server's own, 0 when it has none under this name."""
    found = re.search(rf"^{name}{re.escape(labels)} (\S+)$", server.client.get("/metrics").text, re.MULTILINE)
    return float(found[1]) if found else 0.0


def workers_of(server: Server) -> list[int]:
    """Return the numbers of the server's worker processes, oldest first."""
    tasks = Path(f"/proc/{server.process.pid}/task")
    found: set[int] = set()
    for task in tasks.iterdir():
        found |= {int(pid) for pid in (task / "children").read_text().split()}
    return sorted(pid for pid in found if _runs(pid))


def _runs(pid: int) -> bool:
    try:
        return b"workflow_engine.server.worker" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
