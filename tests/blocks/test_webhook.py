"""Calls over HTTP, to a real server on this machine: what is sent, when, and what is told about it."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Iterator
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import SimpleQueue
from typing import Any
from urllib.parse import parse_qsl

import numpy as np
import pytest

import blocks.webhook
from tests.blocks.runner import BlockRunner
from tests.blocks.scenes import picture, table

HERE = ("127.0.0.1",)
SENT = {"error_status": False, "throttling_status": False, "message": "Sent."}


class Server:
    """Keeps what it is asked, and answers with a status of choice."""

    def __init__(self) -> None:
        self.asked: SimpleQueue[tuple[str, str, dict[str, str], bytes]] = SimpleQueue()
        self.status = 200
        asked, server = self.asked, self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                asked.put((self.command, self.path, dict(self.headers), body))
                self.send_response(server.status)
                self.send_header("Location", "/elsewhere")
                self.end_headers()

            def do_GET(self) -> None:
                self.answer()

            def do_POST(self) -> None:
                self.answer()

            def do_PUT(self) -> None:
                self.answer()

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}/hook"

    def one(self) -> tuple[str, str, dict[str, str], bytes]:
        return self.asked.get(timeout=5)


@pytest.fixture
def server() -> Iterator[Server]:
    started = Server()
    thread = threading.Thread(target=started.http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield started
    started.http.shutdown()
    started.http.server_close()


def webhook(run: BlockRunner, *, hosts: tuple[str, ...] = HERE, sinks: bool = True) -> Any:
    started = run.start("roboflow_core/webhook_sink@v1", allowed_hosts=hosts, sinks=sinks)
    waiting = {"method": "POST", "fire_and_forget": False}
    return lambda url, **fields: started(url=url, **{**waiting, **fields})


def test_values_go_as_json_after_their_operations(run: BlockRunner, server: Server) -> None:
    image = picture(20, 30)
    payload = {
        "count": ["a", "b"],
        "mean": np.float64(0.5),
        "objects": table(image, [(1, 2, 9, 8)]),
        "none": float("nan"),
    }
    operations = {"count": [{"type": "SequenceLength"}]}
    assert webhook(run)(server.url, json_payload=payload, json_payload_operations=operations) == SENT
    method, path, headers, body = server.one()
    assert (method, path, headers["Content-Type"]) == ("POST", "/hook", "application/json")
    sent = json.loads(body)
    assert (sent["count"], sent["mean"], sent["none"]) == (2, 0.5, None)
    assert sent["objects"]["predictions"][0]["class"] == "bolt"


@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
def test_query_and_headers_go_along(run: BlockRunner, server: Server, method: str) -> None:
    found = webhook(run)(
        f"{server.url}?fixed=1#part",
        method=method,
        query_parameters={"site": "hall 3", "ok": True, "lines": [1, 2]},
        headers={"Authorization": "Bearer t", "X-Count": 3},
    )
    assert found == SENT
    asked, path, headers, body = server.one()
    query = [("fixed", "1"), ("site", "hall 3"), ("ok", "True"), ("lines", "1"), ("lines", "2")]
    assert (asked, parse_qsl(path.partition("?")[2]), body) == (method, query, b"")
    assert (headers["Authorization"], headers["X-Count"]) == ("Bearer t", "3")
    assert "Content-Type" not in headers


def test_a_form(run: BlockRunner, server: Server) -> None:
    fields = {"form_data": {"n": 3, "list": ["a", "ä"]}, "json_payload": {"unused": 1}}
    assert webhook(run)(server.url, **fields) == SENT
    _, _, headers, body = server.one()
    assert headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert parse_qsl(body.decode()) == [("n", "3"), ("list", "a"), ("list", "ä")]


def test_files_with_a_form(run: BlockRunner, server: Server) -> None:
    files = {"photo": picture(20, 30), "note": "hello"}
    operations = {"photo": [{"type": "ConvertImageToJPEG"}]}
    form = {"site": ["hall"]}
    assert (
        webhook(run)(
            server.url,
            multi_part_encoded_files=files,
            multi_part_encoded_files_operations=operations,
            form_data=form,
            form_data_operations={"site": [{"type": "SequenceAggregate", "mode": "first"}]},
        )
        == SENT
    )
    _, _, headers, body = server.one()
    message = BytesParser().parsebytes(b"Content-Type: " + headers["Content-Type"].encode() + b"\r\n\r\n" + body)
    parts = {part.get_param("name", header="content-disposition"): part for part in message.get_payload()}
    assert {name: part.get_filename() for name, part in parts.items()} == {
        "site": None,
        "photo": "photo",
        "note": "note",
    }
    assert parts["photo"].get_payload(decode=True).startswith(b"\xff\xd8")
    assert parts["site"].get_payload(decode=True) == b"hall"


def test_a_type_of_body_that_is_given_stays(run: BlockRunner, server: Server) -> None:
    webhook(run)(server.url, json_payload={"a": 1}, headers={"content-type": "application/vnd.x+json"})
    assert server.one()[2]["content-type"] == "application/vnd.x+json"


@pytest.mark.parametrize("status", [302, 404, 500])
def test_other_answers_are_failures_and_redirects_lead_nowhere(run: BlockRunner, server: Server, status: int) -> None:
    server.status = status
    found = webhook(run)(server.url)
    assert found["error_status"]
    assert f"status {status}" in found["message"]
    server.one()
    assert server.asked.empty()


@pytest.mark.parametrize("url", ["http://localhost:1/", "ftp://host/", "not a url", "http://169.254.169.254/latest"])
def test_places_that_are_not_public_are_not_called(run: BlockRunner, url: str) -> None:
    found = webhook(run, hosts=())(url)
    assert found["error_status"]
    assert "be visited" in found["message"] or "not on the public internet" in found["message"]


def test_a_call_in_the_background(run: BlockRunner, server: Server) -> None:
    found = webhook(run)(server.url, fire_and_forget=True, json_payload={"a": 1})
    assert found == {"error_status": False, "throttling_status": False, "message": "Being sent."}
    assert server.one()[3] == b'{"a":1}'


def test_a_failure_in_the_background_is_logged(
    run: BlockRunner, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    server.status = 503
    with caplog.at_level(logging.WARNING, "segflow.webhook"):
        webhook(run)(server.url, fire_and_forget=True)
        started = time.monotonic()
        while not caplog.text and time.monotonic() - started < 5:
            time.sleep(0.01)
    assert "status 503" in caplog.text


def test_too_many_calls_in_the_background_are_refused(
    run: BlockRunner, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks.webhook, "WAITING", threading.BoundedSemaphore(1))
    blocks.webhook.WAITING.acquire()
    found = webhook(run)(server.url, fire_and_forget=True)
    assert found["error_status"]
    assert "too many calls" in found["message"]


def test_a_pause_between_calls(run: BlockRunner, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([100.0, 104.9, 105.0, 105.1])
    monkeypatch.setattr("blocks.webhook.time.monotonic", lambda: next(clock))
    monkeypatch.setattr(blocks.webhook, "request", lambda *_, **__: 200)
    call = webhook(run)
    found = [call(server.url) for _ in range(4)]
    assert [one["throttling_status"] for one in found] == [False, True, False, True]
    assert [one["message"] for one in found[::2]] == ["Sent."] * 2
    assert not any(one["error_status"] for one in found)


def test_nothing_is_sent_when_sinks_are_off(run: BlockRunner, server: Server) -> None:
    for call in (webhook(run, sinks=False), lambda url: webhook(run)(url, disable_sink=True)):
        found = call(server.url)
        assert not found["error_status"]
        assert "switched off" in found["message"]
    assert server.asked.empty()
