"""Bodies are counted as they arrive, whatever was announced; work ends in time."""

from __future__ import annotations

import threading
from typing import Any

import anyio
import orjson
import pytest
from starlette.types import Message, Receive, Scope, Send

from workflow_engine.errors import RunCancelled
from workflow_engine.server.limits import BodyLimit, is_loopback
from workflow_engine.server.work import Workers
from workflow_engine.settings import Limits

LIMITS = Limits(body_bytes=10, body_seconds=0.2)


def ask(parts: list[bytes], *, stall: bool = False) -> tuple[bytes | None, dict[str, Any] | None]:
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

    scope: Scope = {"type": "http", "headers": [], "state": {"request_id": "r"}}
    anyio.run(BodyLimit(app, LIMITS), scope, receive, send)
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


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.8.8", "::1"])
def test_this_machine(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.2", "localhost.example", ""])
def test_other_machines(host: str) -> None:
    assert not is_loopback(host)


def test_work_that_takes_too_long_is_told_to_stop_and_not_waited_for() -> None:
    async def main() -> None:
        asked: list[Any] = []
        let_go = threading.Event()

        def job(stop: Any) -> None:
            asked.append(stop)
            let_go.wait(30)

        with pytest.raises(RunCancelled, match="not done within"):
            await Workers(0.1).do(job)
        with pytest.raises(RunCancelled):
            asked[0].check()
        let_go.set()

    anyio.run(main)
