"""Values that are remembered."""

from __future__ import annotations

from typing import Any

import pytest

from tests.blocks.runner import BlockRunner
from tests.blocks.scenes import frame, picture
from workflow_engine import Engine
from workflow_engine import settings as engine_settings
from workflow_engine.recent import Recent


@pytest.mark.parametrize(
    ("fields", "outputs"),
    [
        ({"length": 2}, [[1], [2, 1], [3, 2]]),
        ({"length": 2, "pad": True}, [[1, None], [2, 1], [3, 2]]),
        ({"length": 0}, [[], [], []]),
    ],
)
def test_the_last_values_the_newest_first(run: BlockRunner, fields: dict[str, Any], outputs: list[Any]) -> None:
    for name in ("core/buffer@v1", "Buffer"):
        call = run.start(name)
        assert [call(data=value, **fields)["output"] for value in (1, 2, 3)] == outputs


def test_what_was_kept_is_recalled(run: BlockRunner) -> None:
    shared: Recent[str, dict[str, Any]] = Recent()
    keep, recall = (run.start(f"core/cache_{way}@v1", shared=shared) for way in ("set", "get"))
    assert recall(image=frame(1), key="count") == {"output": False}
    assert keep(image=frame(1), key="count", value=[3]) == {"output": [3]}
    assert recall(image=frame(2), key="count") == {"output": [3]}
    assert recall(image=frame(2), key="other") == {"output": False}
    assert recall(image=frame(2, video="other"), key="count") == {"output": False}


DOCUMENT = {
    "version": "1.0",
    "inputs": [{"type": "WorkflowImage", "name": "image"}, {"type": "WorkflowParameter", "name": "value"}],
    "steps": [
        {"type": "roboflow_core/cache_get@v1", "name": "before", "image": "$inputs.image", "key": "k"},
        {
            "type": "roboflow_core/cache_set@v1",
            "name": "now",
            "image": "$inputs.image",
            "key": "k",
            "value": "$inputs.value",
        },
    ],
    "outputs": [
        {"type": "JsonField", "name": "before", "selector": "$steps.before.output"},
        {"type": "JsonField", "name": "now", "selector": "$steps.now.output"},
    ],
}


@pytest.fixture
def engine() -> Engine:
    return Engine(engine_settings.load({"HOME": "/nowhere"}))


def test_steps_of_a_session_share_a_memory_until_it_is_reset(engine: Engine) -> None:
    plan = engine.compile(DOCUMENT)
    session, other = engine.session(plan), engine.session(plan)

    def run(value: str) -> Any:
        return session.run({"image": picture(), "value": value}).outputs[0]

    assert run("a") == {"before": False, "now": "a"}
    assert run("b") == {"before": "a", "now": "b"}
    assert other.run({"image": picture(), "value": "x"}).outputs[0]["before"] is False
    session.reset()
    assert run("c")["before"] is False
