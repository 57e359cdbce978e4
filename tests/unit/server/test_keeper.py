"""Pipelines as the server sees them: what happens to those who ask when one ends at that moment."""

from __future__ import annotations

import asyncio
from pathlib import Path

import orjson
import pytest
import uvloop

from tests.unit.stream.clips import BLUR, steady
from workflow_engine.server.metrics import Metrics
from workflow_engine.server.pipelines.keeper import Pipelines
from workflow_engine.server.pipelines.order import USUAL_METADATA_INPUT, Order
from workflow_engine.server.process import Worker
from workflow_engine.settings import load

PATIENCE = 30.0
EVENTS = {"after": 0, "picture": False}


@pytest.fixture
def order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> bytes:
    monkeypatch.setenv("SEGFLOW_VIDEO_FOLDER", str(tmp_path))
    steady(tmp_path / "clip.mp4", 500)
    asked = Order(
        document=BLUR,
        references=["clip.mp4"],
        filling=None,
        consumption=None,
        max_fps=None,
        image_input="image",
        metadata_input=USUAL_METADATA_INPUT,
        parameters={},
        sinks=True,
        buffer=8,
    )
    return orjson.dumps(asked.to_json())


def test_who_follows_a_pipeline_that_is_ended_between_two_answers_has_followed_it_to_its_end(order: bytes) -> None:
    async def followed() -> list[bytes | None]:
        pipelines = Pipelines(load(), Metrics())
        pipeline_id = await pipelines.start(order, patience=None)
        told = pipelines.follow(pipeline_id, EVENTS)
        first = [await anext(told), await anext(told)]
        await pipelines.stop(pipeline_id, "it was terminated")
        return first + [one async for one in told]

    following, *told = uvloop.run(asyncio.wait_for(followed(), PATIENCE))
    assert following is None
    assert told
    assert all(told)


def test_a_worker_that_was_killed_is_asked_in_vain_and_not_an_error(order: bytes) -> None:
    async def killed() -> None:
        pipelines = Pipelines(load(), Metrics())
        worker = await Worker.start(pipelines._greeting(), order, program="workflow_engine.server.pipelines.process")
        worker.kill()
        await worker.watch(lambda frame: pytest.fail(f"It answered: {frame}"))
        worker.call({"id": 1, "ask": "alive"}, b"")
        worker.cancel(1)

    uvloop.run(asyncio.wait_for(killed(), PATIENCE))
