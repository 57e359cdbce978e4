"""A place for models, and a server of weights."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.unit.models.fakes import CONTENT, FakeFamily
from workflow_engine.models.catalogue import Catalogue
from workflow_engine.settings import Settings


class WeightServer:
    """A real HTTP server with one file, which can be told to misbehave.

    Attributes:
        content: What it serves.
        ranges: Whether it answers range requests.
        cut: After how many bytes of a body it hangs up, for the next answers, one each.
        requests: The path and range of every request so far.
    """

    def __init__(self) -> None:
        self.content = CONTENT
        self.ranges = True
        self.cut: list[int] = []
        self.requests: list[tuple[str, str | None]] = []
        served = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                served.answer(self)

            def log_message(self, format: str, *arguments: object) -> None:
                """Stay silent."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/weights"

    def close(self) -> None:
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        wanted = request.headers.get("Range")
        self.requests.append((request.path, wanted))
        if request.path != "/weights/fake%20nano.pth":
            request.send_error(404)
            return
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and self.ranges else 0
        if start > len(self.content):
            request.send_error(416)
            return
        body = self.content[start:]
        request.send_response(206 if start else 200)
        if start:
            request.send_header("Content-Range", f"bytes {start}-{len(self.content) - 1}/{len(self.content)}")
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body[: self.cut.pop(0)] if self.cut else body)


@pytest.fixture
def server() -> Iterator[WeightServer]:
    server = WeightServer()
    yield server
    server.close()


@pytest.fixture
def settings(tmp_path: Path, server: WeightServer) -> Settings:
    return Settings(
        home=tmp_path / "home",
        saved_workflows=tmp_path / "workflows",
        upstream_models=tmp_path / "upstream",
        weights_url=server.address,
    )


@pytest.fixture
def family() -> FakeFamily:
    return FakeFamily()


@pytest.fixture
def catalogue(settings: Settings, family: FakeFamily) -> Catalogue:
    return Catalogue(settings, [family], bundled={})


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    path = tmp_path / "checkpoint_best.pth"
    path.write_bytes(b"mine")
    return path
