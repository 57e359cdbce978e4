"""Work done side by side: all of it, in its order, even where no thread is free; and what runs do so."""

from __future__ import annotations

import threading
from base64 import b64encode
from collections.abc import Iterator
from contextvars import ContextVar
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import pytest

from workflow_engine import Workflow
from workflow_engine.errors import InputError
from workflow_engine.side_by_side import CROWDED, on_free_cores, side_by_side, threads
from workflow_engine.vision.decode import encode_png

PATIENCE = 20.0  # seconds after which a test has failed
WORKFLOW = Workflow(
    {
        "version": "1.0",
        "inputs": [{"type": "WorkflowImage", "name": "image"}],
        "steps": [],
        "outputs": [{"type": "JsonField", "name": "image", "selector": "$inputs.image"}],
    }
)


def picture(width: int) -> bytes:
    return encode_png(np.zeros((5, width, 3), dtype=np.uint8))


@pytest.fixture
def address() -> Iterator[str]:
    """A server that gives nobody a picture before two have asked for one."""
    both = threading.Barrier(2)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            both.wait(PATIENCE)
            content = picture(int(self.path[1:]))
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_pictures_of_a_batch_are_fetched_side_by_side(address: str) -> None:
    result = WORKFLOW.run(image=[f"{address}/7", f"{address}/9"])
    assert [element["image"].width for element in result.outputs] == [7, 9]


def test_pictures_keep_their_order() -> None:
    widths = list(range(40, 1, -1))
    result = WORKFLOW.run(image=[b64encode(picture(width)).decode() for width in widths])
    assert [element["image"].width for element in result.outputs] == widths


def test_a_picture_that_cannot_be_read_is_named() -> None:
    good = b64encode(picture(3)).decode()
    with pytest.raises(InputError) as caught:
        WORKFLOW.run(image=[good, good, good[:50], good])
    assert caught.value.problem.at == "/inputs/image/2"


def test_nobody_waits_for_a_thread_that_is_not_free() -> None:
    held = threading.Event()
    busy = [threads().submit(held.wait, PATIENCE) for _ in range(threads()._max_workers)]
    try:
        results = side_by_side({number: partial(pow, number, 2) for number in range(3)})
        assert [result() for result in results.values()] == [0, 1, 4]
        assert not any(one.done() for one in busy)
    finally:
        held.set()


@pytest.mark.parametrize("crowded", [True, False])
def test_where_other_runs_have_the_cores_who_asks_computes(crowded: bool) -> None:
    begun = threading.Event()

    def compute() -> int:
        begun.set()
        return threading.get_ident()

    token = CROWDED.set(crowded)
    try:
        results = on_free_cores({1: compute})
    finally:
        CROWDED.reset(token)
    assert begun.wait(0.1 if crowded else PATIENCE) != crowded
    assert (results[1]() == threading.get_ident()) == crowded


def test_threads_see_the_context_of_who_asks() -> None:
    asked_by: ContextVar[str] = ContextVar("asked_by")
    asked_by.set("me")
    assert [result() for result in side_by_side({1: asked_by.get, 2: asked_by.get}).values()] == ["me", "me"]


def test_what_a_call_raises_is_raised_where_its_result_is_asked_for() -> None:
    results = side_by_side({"wrong": partial(int, "x"), "right": partial(int, "1")})
    with pytest.raises(ValueError, match="invalid literal"):
        results["wrong"]()
    assert results["right"]() == 1
