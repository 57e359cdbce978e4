"""Bodies are counted as they arrive, whatever was announced; who may send one is asked first."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import orjson
import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from workflow_engine.server.limits import Intake, is_loopback
from workflow_engine.server.metrics import Metrics
from workflow_engine.server.work import Workers
from workflow_engine.settings import Limits, Settings

CHUNKED = (b"transfer-encoding", b"chunked")
LIMITS = Limits(body_bytes=10, body_seconds=0.2, bodies_bytes=30)
SETTINGS = Settings(home=Path(), upstream_models=Path(), saved_workflows=Path(), limits=LIMITS)
WITH_TOKEN = replace(SETTINGS, api_token="s3cret", limits=Limits())


def intake(app: ASGIApp, settings: Settings = SETTINGS, *, full: bool = False) -> Any:
    room = replace(settings, workers=0, limits=replace(settings.limits, queue=0)) if full else settings
    return Intake(app, settings, Workers(room, Metrics()))


def ask(
    parts: list[bytes], *, stall: bool = False, settings: Settings = SETTINGS, full: bool = False, **about: Any
) -> tuple[bytes | None, dict[str, Any] | None]:
    """Send a body in parts through the limit; return what the application saw, and the refusal if there was one."""
    seen: list[bytes] = []
    sent: list[Message] = []
    waiting = [{"type": "http.request", "body": part, "more_body": True} for part in parts]

    async def app(_scope: Scope, receive: Receive, _send: Send) -> None:
        seen.append((await receive())["body"])

    async def receive() -> Message:
        if waiting:
            return waiting.pop(0)
        if stall:
            await anyio.sleep(10)
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    scope: Scope = {
        "type": "http",
        "path": "/workflows/run",
        "query_string": b"",
        "headers": [CHUNKED],
        "state": {"request_id": "r"},
        **about,
    }
    taking = intake(app, settings, full=full)
    anyio.run(taking, scope, receive, send)
    assert taking._held == 0
    return (seen[0] if seen else None), (orjson.loads(sent[1]["body"]) if sent else None)


def test_a_body_within_the_limit_arrives_whole() -> None:
    assert ask([b"12345", b"67890"]) == (b"1234567890", None)


def test_a_body_beyond_it_is_refused_before_the_application_sees_any() -> None:
    seen, refused = ask([b"12345", b"678901"])
    assert seen is None
    assert refused is not None
    assert refused["code"] == "body_too_large"


def test_a_body_that_does_not_come_is_not_waited_for() -> None:
    seen, refused = ask([b"1"], stall=True)
    assert seen is None
    assert refused is not None
    assert refused["code"] == "body_late"


def test_while_the_server_is_full_no_large_body_is_read() -> None:
    announced = {"headers": [(b"content-length", b"9")]}
    assert ask([b"123456789"], full=True, **announced) == (b"123456789", None), "a small one is"
    settings = replace(SETTINGS, limits=Limits())
    for headers in ([CHUNKED], [(b"content-length", b"70000")]):
        seen, refused = ask([b"1" * 70000], settings=settings, full=True, headers=headers)
        assert seen is None
        assert refused is not None
        assert refused["code"] == "overloaded"


def test_bodies_of_all_requests_count_together() -> None:
    async def main() -> list[str]:
        codes: list[str] = []
        let_go = anyio.Event()

        async def app(_scope: Scope, _receive: Receive, _send: Send) -> None:
            await let_go.wait()

        async def receive() -> Message:
            return {"type": "http.request", "body": b"123456789"}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.body":
                codes.append(orjson.loads(message["body"])["code"])
                let_go.set()

        taking = intake(app)
        scope = {"type": "http", "path": "/", "query_string": b"", "headers": [CHUNKED], "state": {"request_id": "r"}}
        async with anyio.create_task_group() as group:
            for _ in range(4):
                group.start_soon(taking, scope, receive, send)
        assert taking._held == 0
        return codes

    assert anyio.run(main) == ["overloaded"]


@pytest.mark.parametrize(
    ("headers", "query", "body", "accepted"),
    [
        ([(b"authorization", b"Bearer s3cret")], b"", b"{}", True),
        ([(b"authorization", b"bearer s3cret ")], b"", b"{}", True),
        ([], b"api_key=s3cret", b"{}", True),
        ([], b"", b'{"api_key": "s3cret"}', True),
        ([], b"", b'{"inputs": {"api_key": ""}, "api_key" : "s3\\u0063ret"}', True),
        ([(b"authorization", b"Bearer guess")], b"", b'{"api_key": "s3cret"}', False),
        ([], b"api_key=", b"", False),
        ([], b"", b'{"api_key": "guess"}', False),
        ([], b"", b'{"api_key": null}', False),
        ([], b"", b'{"other": "s3cret"}', False),
        ([], b"", b"s3cret", False),
        ([], b"", b'{"api_key": "\\ud800"}', False),
    ],
)
def test_a_token_outside_the_body_decides_and_else_the_one_in_it(
    headers: list[Any], query: bytes, body: bytes, accepted: bool
) -> None:
    seen, refused = ask([body], settings=WITH_TOKEN, headers=[CHUNKED, *headers], query_string=query)
    assert (seen, refused) == (body, None) if accepted else refused is not None and refused["code"] == "token_wanted"


def test_probes_want_no_token() -> None:
    assert ask([b""], settings=WITH_TOKEN, headers=[], path="/healthz") == (b"", None)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.8.8", "::1"])
def test_this_machine(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.2", "localhost.example", ""])
def test_other_machines(host: str) -> None:
    assert not is_loopback(host)
